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
//! ## As a library
//!
//! Whoever wants another program kept always on, or these definitions in another package, needs four rooms:
//! [`service`] (the value, its text, its managers, its status), [`effects`] (what changes the machine), [`home`]
//! (whose service) and [`error`]. They follow semantic versioning; the rest is private. A service is described,
//! and becomes the text of any manager, on any OS:
//!
//! ```
//! use ductor::home::Home;
//! use ductor::service::{ManagerName, ServiceDefinition, named};
//!
//! let home = Home::of("/home/alice".into(), None)?;
//! let definition = ServiceDefinition::for_user("/usr/bin/ductor", &home, Some("python3 -m mybot".into()));
//!
//! let text = |name| named(name, &home).render(&definition);
//! assert!(text(ManagerName::Systemd)?.contains("ExecStart=\"/usr/bin/ductor\"\n"));
//! assert!(text(ManagerName::Launchd)?.contains("<string>/usr/bin/ductor</string>"));
//! assert!(text(ManagerName::TaskScheduler)?.contains("<LogonTrigger>"));
//! # Ok::<(), ductor::error::Error>(())
//! ```
//!
//! Installing it is one call. Here it is rehearsed: `rehearsal` tells what [`real`](effects::Effects::real) would do.
//!
//! ```
//! use std::cell::RefCell;
//!
//! use ductor::effects::{Effect, Effects};
//! use ductor::home::Home;
//! use ductor::service::{Install, ManagerName, ServiceDefinition, named};
//!
//! let user = tempfile::tempdir().unwrap();
//! let home = Home::of(user.path().into(), None)?;
//! let definition = ServiceDefinition::for_user("/usr/bin/ductor", &home, Some("/usr/bin/mybot".into()));
//!
//! let told = RefCell::new(Vec::new());
//! let tell = |effect: &Effect<'_>| told.borrow_mut().push(effect.to_string());
//! let how = Install { linger: true, start: true };
//! let installed = named(ManagerName::Launchd, &home).install(&definition, how, &Effects::rehearsal(&tell))?;
//!
//! let agent = user.path().join("Library/LaunchAgents/dev.ductor.plist");
//! assert_eq!(installed.definition, agent);
//! assert!(told.borrow().contains(&format!("write {}", agent.display())));
//! assert!(!agent.exists());
//! # Ok::<(), ductor::error::Error>(())
//! ```
//!
//! Afterwards [`service::look`] says how it is, as `ductor service status --json` does.
//!
//! ## Where things are
//!
//! The pages of private rooms: `cargo doc --package ductor --no-deps --document-private-items --open`.
//!
//! | the word | its room |
//! |---|---|
//! | what people type, what they see | `cli` is the tree as data, `commands` one file a verb; only they print |
//! | the bot: which program, configured, how to get it | `bot`, with PATH in `search_path` |
//! | the host: parent of the bot | `host`, on facts of `process` |
//! | the service: definition, manager, status, doctor | [`service`] |
//! | the user, and the user's files | `user`, [`home`] |
//! | who put this program here, how it is upgraded and removed | `origin` |
//! | errors and exit codes | [`error`] |
//!
//! Dependencies point one way: `commands → {service, host, bot, origin} → {effects, process, user, home} → error`.
//!
//! ## What always holds
//!
//! - The lock of the ductor home decides who is the host; files there inform, and never decide what is
//!   executed or which process gets a signal.
//! - No decision rests on text that a locale changes.
//! - What can fail half-way is a `Transaction`: everything, or nothing.

mod bot;
mod cli;
mod commands;
pub mod effects;
pub mod error;
pub mod home;
mod host;
#[cfg(feature = "auditable")]
mod made_of;
mod origin;
mod parsers;
mod process;
mod search_path;
pub mod service;
mod shell;
mod user;
mod words;

/// What our own programs, tests and packaging need beside the library. It promises nothing.
#[doc(hidden)]
pub mod internals {
    pub use crate::cli::command;
    pub use crate::commands::main;
    pub use crate::effects::file::replace;
    pub use crate::host::lock::holder;
    pub use crate::origin::check::sha256;
    pub use crate::parsers::ALL as PARSERS;
    pub use crate::process::{Process, Signal};
    pub use crate::service::render::{command_line::split, element::Element};
}
