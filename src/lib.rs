//! # ductor, the native half
//!
//! *ductor* is a bot (Python, module `ductor_bot`) that lets people drive AI command-line agents from a chat.
//! This crate keeps it always on, under the service manager each machine already has, and says truly how it is.
//!
//! ## Bird's-eye view
//!
//! ```text
//!   manager (systemd --user)          starts, and restarts what ended badly
//!      └── host (`ductor`)            one per ductor home: lock, host.json, ends the whole tree
//!            └── bot (`python -m ductor_bot`)
//!                  └── agents (claude, codex, …), which may call `ductor` themselves
//! ```
//!
//! Three ideas carry everything:
//!
//! 1. **A service is a value.** [`service::ServiceDefinition`] says what to run; [`service::render`] turns it
//!    into the manager's text, without I/O. Packages and `ductor service install` call the same renderers.
//! 2. **A manager is ordinary code over one seam.** [`service::manager::Manager`] has operations on data; none
//!    prints. Every change to the machine passes [`effects::Effects`]: `--dry-run` tells, `--verbose` says.
//! 3. **A bundle is a function of one payload list.** That is the crate `xtask` in `packaging/`.
//!
//! ## Where things are
//!
//! | the word | its room |
//! |---|---|
//! | what people type, what they see | [`cli`] is the tree as data, [`commands`] one file a verb; only they print |
//! | the bot: which program, configured, how to get it | [`bot`], with PATH in [`search_path`] |
//! | the host: parent of the bot | [`host`], on facts of [`process`] |
//! | the service: definition, manager, status, doctor | [`service`] |
//! | the user, and the user's files | [`user`], [`home`] |
//! | who put this program here, how it is upgraded and removed | [`origin`] |
//! | errors and exit codes | [`error`] |
//!
//! Dependencies point one way: `commands → {service, host, bot, origin} → {effects, process, user, home} → error`.
//!
//! ## What always holds
//!
//! - The lock of the ductor home decides who is the host; files there inform, and never decide what is
//!   executed or which process gets a signal.
//! - No decision rests on text that a locale changes.
//! - What can fail half-way is a [`effects::Transaction`]: everything, or nothing.

pub mod bot;
pub mod cli;
pub mod commands;
pub mod effects;
pub mod error;
pub mod home;
pub mod host;
#[cfg(feature = "auditable")]
pub mod made_of;
pub mod origin;
pub mod process;
pub mod search_path;
pub mod service;
pub mod user;
mod words;
