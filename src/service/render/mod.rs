//! *Rendering*: a [`ServiceDefinition`](super::ServiceDefinition) to the text that a manager reads.
//!
//! Pure functions; the runtime and the packaging crate call the same ones, so a packaged service differs from
//! a manual one in its definition, never in code. One file a manager: [`mod@unit`] (systemd; it reads by `unit_syntax`), [`plist`] (launchd),
//! [`task_xml`] (the Task Scheduler), which writes and reads `element`s and quotes a `command_line`.

pub(crate) mod command_line;
pub(crate) mod element;
pub mod plist;
pub mod task_xml;
pub mod unit;
pub(crate) mod unit_syntax;

use crate::error::{Code, Error, Result};
use crate::service::definition::Chosen;

/// How every definition of ours begins, by which it is recognised as ours.
pub const MADE_BY: &str = concat!("Made by ductor ", env!("CARGO_PKG_VERSION"));

/// The part of [`MADE_BY`] that all versions share.
pub const MADE_BY_ANY: &str = "Made by ductor ";

/// What the user chose, by the variables of a definition on Unix. People may have written them: what is no absolute
/// path names no home.
fn chosen(ductor_home: Option<String>, bot: Option<String>) -> Chosen {
    Chosen {
        ductor_home: ductor_home.filter(|home| home.starts_with(['/', '~'])).map(Into::into),
        bot,
        direct: None,
    }
}

/// What no definition carries: a line break would begin a directive of its own in a unit, XML has no way to
/// write most control characters, and bytes that are not UTF-8 were lost before we saw them. U+FFFE and U+FFFF
/// are no characters for XML.
fn refuse_control_characters(value: &str, kind: &str) -> Result<()> {
    let is_bad =
        |c: char| c.is_control() || matches!(c, char::REPLACEMENT_CHARACTER | '\u{fffe}' | '\u{ffff}');
    if value.contains(is_bad) {
        let cause = format!("control characters and bytes that are not UTF-8 can't stand in {kind}");
        return Err(Error::new(format!("{value:?}"), cause).code(Code::Usage));
    }
    Ok(())
}
