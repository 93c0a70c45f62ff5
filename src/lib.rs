//! # ductor, the native half
//!
//! *ductor* is a bot (Python, module `ductor_bot`) that lets people drive AI command-line agents from a chat.
//! This crate keeps it always on, under the service manager each machine already has, and says truly how it is.

pub mod bot;
pub mod cli;
pub mod effects;
pub mod error;
pub mod home;
pub mod host;
pub mod process;
pub mod search_path;
pub mod service;
