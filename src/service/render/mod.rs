//! *Rendering*: a [`ServiceDefinition`](super::ServiceDefinition) to the text that a manager reads.
//!
//! Pure functions; the runtime and the packaging crate call the same ones, so a packaged service differs from
//! a manual one in its definition, never in code. One file a manager: [`unit`].

pub mod unit;

/// How every definition of ours begins, by which it is recognised as ours.
pub const MADE_BY: &str = concat!("Made by ductor ", env!("CARGO_PKG_VERSION"));

/// The part of [`MADE_BY`] that all versions share.
pub const MADE_BY_ANY: &str = "Made by ductor ";
