//! A *domain* is a set of jobs that launchd keeps for one user: `gui/UID` while that user is logged in at the
//! screen, `user/UID` as long as any process of theirs runs, such as an ssh session (launchctl(1)).
//!
//! An agent belongs into the first where it is there: only jobs of `gui` reach the keychain. A job may stand in
//! either, whichever session loaded it, so every look goes to both.

use std::fmt;

use crate::error::{Code, Result};
use crate::service::render::plist::LABEL;
use crate::user;

use super::launchctl::{NO_DOMAIN, NO_SERVICE, UNSUPPORTED, launchctl, query};

/// One domain of this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Of the user who is logged in at the screen.
    Gui,
    /// Of every session of the user together.
    User,
}

impl Domain {
    /// Every domain in which the job may stand, the better one first.
    pub const ALL: [Self; 2] = [Self::Gui, Self::User];

    /// The best one that is there now. Whether there is a screen session is asked of launchd itself: over ssh, in
    /// cron and after a switch of users nothing else says it for certain.
    ///
    /// # Errors
    /// launchctl can't be run, or answers what nobody understands.
    pub fn here() -> Result<Self> {
        let words = ["print", &Self::Gui.to_string()];
        let output = query(&words)?;
        match output.code() {
            Some(0) => Ok(Self::Gui),
            Some(NO_DOMAIN | NO_SERVICE | UNSUPPORTED) => Ok(Self::User),
            _ => Err(launchctl(&words).failed(&output).code(Code::Unavailable)),
        }
    }

    /// The job in this domain, as launchctl names it.
    pub fn job(self) -> String {
        format!("{self}/{LABEL}")
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Gui => "gui",
            Self::User => "user",
        };
        write!(f, "{kind}/{}", user::number())
    }
}
