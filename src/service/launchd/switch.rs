//! The *switch*: whether launchd starts the agent by itself. It is kept by label, outside of every property list,
//! over reboots and removals, and also the user's own: `launchctl disable`, and the predecessors of ductor, use it.
//!
//! So stopping never touches it. Installing and starting switch on, for who asks for them wants that; nothing that
//! ductor does by itself goes against a user who switched the agent off.

use crate::effects::{Effects, Output};
use crate::error::Result;
use crate::service::render::plist::LABEL;

use super::domain::Domain;
use super::launchctl::{launchctl, query};

/// Whether the agent is switched off; none where launchctl does not say.
pub fn is_off() -> Option<bool> {
    look().map(|(_, off)| off)
}

/// The list of switches, which all domains of a user share, asked of the first that is there.
fn look() -> Option<(Domain, bool)> {
    Domain::ALL.into_iter().find_map(|domain| {
        let output = query(&["print-disabled", &domain.to_string()]).ok().filter(Output::success)?;
        Some((domain, says_off(&String::from_utf8_lossy(&output.stdout))))
    })
}

/// `"dev.ductor" => disabled`, and before macOS 11 `=> true`, each of which has an opposite.
pub(crate) fn says_off(text: &str) -> bool {
    let ours = format!("\"{LABEL}\" => ");
    let value = text.lines().find_map(|line| line.trim().strip_prefix(&*ours));
    matches!(value, Some("disabled" | "true"))
}

/// Switches the agent on or off, and sees that it is.
///
/// # Errors
/// launchd refuses, or does not do it.
pub fn turn(on: bool, effects: &Effects<'_>) -> Result<()> {
    let domain = look().map_or(Domain::User, |(domain, _)| domain);
    let command = launchctl(&[if on { "enable" } else { "disable" }, &domain.job()]);
    let output = effects.run(&command)?;
    if !output.success() || (effects.is_real() && is_off() == Some(on)) {
        return Err(command.failed(&output));
    }
    Ok(())
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
