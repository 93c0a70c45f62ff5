//! *Words*: a command line as a person writes it on this system, for the variables and messages that hold one.
//!
//! On Unix it is split as a shell does it. On Windows, where a backslash stands in every path, by the rules that
//! programs there have for their arguments ([`command_line`]). No shell ever runs it.

use crate::service::render::command_line;

/// The words of a line; none if a quote is not closed.
pub fn split(line: &str) -> Option<Vec<String>> {
    if cfg!(windows) { Some(command_line::split(line)) } else { shell_words::split(line).ok() }
}

/// The line that has these words.
pub fn join<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    if cfg!(windows) {
        let words: Vec<S> = words.into_iter().collect();
        command_line::join(words.iter().map(AsRef::as_ref))
    } else {
        shell_words::join(words)
    }
}

/// One word, as it has to be written.
pub fn quote(word: impl AsRef<str>) -> String {
    join([word])
}
