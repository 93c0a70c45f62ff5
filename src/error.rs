//! What can go wrong, as people and scripts see it: exit codes, and one error with a cause and a next step.
//!
//! An [`Error`] is made where something fails and printed once, by `main`. Its [`Code`] is the exit code of
//! the command, so there is no second place that maps errors to codes.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of `ductor`. They are part of the contract with scripts and never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done. `service status`: running. `status`: a bot runs.
    Done = 0,
    /// Failed or refused.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// `status`: installed, not running.
    NotRunning = 3,
    /// `status`, `start`, `restart`: not installed.
    NotInstalled = 4,
    /// The manager is not available or can't be reached.
    Unavailable = 5,
    /// Only an administrator may do this.
    NotPermitted = 77,
    /// No bot was found, or it is not configured (`EX_CONFIG` of sysexits(3)).
    Configuration = 78,
}

/// The code with which a bot asks its host for a new start. Never an exit code of `ductor` itself.
pub const RESTART: i32 = 42;

/// The code with which a bot says that its configuration is wrong and a new start would not help.
pub const CONFIGURATION: i32 = Code::Configuration as i32;

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Something failed: what, why, and what to do next.
///
/// Printed as `error: WHAT: CAUSE`, then `  fix: COMMAND` where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The exit code that the command ends with.
    pub code: Code,
    /// The thing that failed, such as a path or a command line.
    pub what: String,
    /// Why.
    pub cause: String,
    /// What to type next.
    pub fix: Option<String>,
}

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that ends the command with [`Code::Failed`].
    pub fn new(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self { code: Code::Failed, what: what.to_string(), cause: cause.to_string(), fix: None }
    }

    /// The same error with another exit code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// The same error with the command that helps.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}: {}", self.what, self.cause.trim_end())?;
        match &self.fix {
            Some(fix) => write!(f, "\n  fix: {fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Names the thing that an I/O error is about.
pub trait Context<T> {
    /// Turns the error into an [`Error`] about `what`.
    fn about(self, what: impl fmt::Display) -> Result<T>;
}

impl<T> Context<T> for std::io::Result<T> {
    fn about(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(what, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_thing_the_cause_and_the_next_step() {
        let error = Error::new("the user unit", "it is masked\n").fix("ductor service install");
        assert_eq!(error.to_string(), "error: the user unit: it is masked\n  fix: ductor service install");
    }
}
