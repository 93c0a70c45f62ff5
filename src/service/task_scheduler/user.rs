//! Who we are for Windows: a *security identifier* (SID), and whether we are *elevated*, an administrator who
//! uses that.
//!
//! `whoami.exe` says both in forms that no language changes: identifiers, in a table whose columns are fixed.

use std::sync::LazyLock;

use crate::effects::{Command, Output, ask, text};
use crate::error::{Code, Error, Result};

use super::csv::fields;

/// The identifier that stands for one that is not known (well-known SIDs, "Null SID").
const NOBODY: &str = "S-1-0-0";
/// The integrity levels of a process that may administer: high, and that of the system ([MS-DTYP] 2.4.2.4).
const ELEVATED: [&str; 2] = ["S-1-16-12288", "S-1-16-16384"];

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The security identifier, the same for ever.
    pub sid: String,
    /// `MACHINE\name`, in whatever characters the console has.
    account: String,
}

impl User {
    /// The user that we act as.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: this is no Windows.
    pub fn ask() -> Result<Self> {
        // Who runs a process never changes.
        static ASKED: LazyLock<Result<User>> = LazyLock::new(|| {
            let table = whoami("/user")?;
            let user = table.lines().map(fields).find_map(|row| match row.as_slice() {
                [account, sid] if sid.starts_with("S-1-") => Some((account.clone(), sid.clone())),
                _ => None,
            });
            let (account, sid) = user.ok_or_else(|| {
                Error::new("whoami.exe /user", "it names no security identifier").code(Code::Unavailable)
            })?;
            Ok(User { sid, account })
        });
        ASKED.clone()
    }

    /// Somebody whose identifier is not known, for definitions that are only looked at.
    pub fn unknown() -> Self {
        Self { sid: NOBODY.into(), account: String::new() }
    }

    /// Whether a task names this user so. Windows writes the identifier, and in triggers the account.
    pub fn is(&self, id: &str) -> bool {
        id.eq_ignore_ascii_case(&self.sid) || (!id.is_empty() && id.eq_ignore_ascii_case(&self.account))
    }

    /// What tells this user's task from another's: the name, where a task can be called so and every console can
    /// write it, else the identifier.
    pub fn name(&self) -> &str {
        let name = self.account.rsplit('\\').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
        if !name.is_empty() && name.chars().all(plain) { name } else { &self.sid }
    }
}

/// Whether we act as an administrator. Unknown counts as no.
pub fn is_elevated() -> bool {
    let groups = whoami("/groups").unwrap_or_default();
    groups.lines().flat_map(fields).any(|field| ELEVATED.contains(&field.as_str()))
}

fn whoami(what: &str) -> Result<String> {
    let command = Command::new("whoami.exe", [what, "/fo", "csv", "/nh"]);
    let answered = |output: Output| {
        if output.success() { Ok(text(&output.stdout)) } else { Err(command.failed(&output)) }
    };
    ask(&command).and_then(answered).map_err(|error| error.code(Code::Unavailable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_after_its_user_where_every_console_can_write_the_name() {
        let name =
            |account: &str| User { sid: "S-1-5-21-1".into(), account: account.into() }.name().to_owned();
        assert_eq!(name(r"PC\alice"), "alice");
        assert_eq!(name(r"AzureAD\John Doe"), "John Doe");
        assert_eq!(name("PC\\M\u{fffd}ller"), "S-1-5-21-1");
        assert_eq!(name(""), "S-1-5-21-1");
    }

    #[test]
    fn a_task_may_name_its_user_in_two_ways() {
        let user = User { sid: "S-1-5-21-1".into(), account: r"PC\alice".into() };
        assert!(user.is("s-1-5-21-1") && user.is(r"pc\ALICE"));
        assert!(!user.is("S-1-5-21-11") && !user.is("alice") && !User::unknown().is(""));
    }
}
