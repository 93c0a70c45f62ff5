//! The *switch*: whether launchd starts the agent by itself. It is kept by label, outside of every property list,
//! over reboots and removals, and also the user's own: `launchctl disable`, and the predecessors of ductor, use it.
//!
//! So stopping never touches it. Installing and starting switch on, for who asks for them wants that; nothing that
//! ductor does by itself goes against a user who switched the agent off.

use crate::effects::Command;
use crate::error::Result;
use crate::service::render::plist::LABEL;

use super::domain::Domain;
use super::launchctl::{launchctl, query};

/// Whether the agent is switched off. All domains of a user share one list. False where launchctl knows none.
///
/// # Errors
/// launchctl can't be run.
pub fn is_off() -> Result<bool> {
    let output = query(&["print-disabled", &Domain::User.to_string()])?;
    Ok(output.success() && says_off(&String::from_utf8_lossy(&output.stdout)))
}

/// `"dev.ductor" => disabled`, and before macOS 11 `=> true`, each of which has an opposite.
fn says_off(text: &str) -> bool {
    let ours = format!("\"{LABEL}\" => ");
    let value = text.lines().find_map(|line| line.trim().strip_prefix(&*ours));
    matches!(value, Some("disabled" | "true"))
}

/// The command that switches the agent on.
pub fn on() -> Command {
    launchctl(&["enable", &Domain::User.job()])
}

/// The command that switches the agent off.
pub fn off() -> Command {
    launchctl(&["disable", &Domain::User.job()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_a_longer_label_is_another() {
        let says = |line: &str| says_off(&format!("disabled services = {{\n\t\t{line}\n\t}}\n"));
        assert!(says("\"dev.ductor\" => disabled") && says("\"dev.ductor\" => true"));
        assert!(!says("\"dev.ductor\" => enabled") && !says("\"dev.ductor\" => false"));
        assert!(!says("\"dev.ductor.other\" => disabled") && !says(""));
    }
}
