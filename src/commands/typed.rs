//! *Typed*: a command of ours within a fix or a hint, as it has to be typed here. The bot's own command line is called
//! `ductor` too; where that one is first on PATH, or none is there, ours is written with its path.

use std::env;

use crate::cli;
use crate::search_path;
use crate::shell::Shell;

/// The text in which each `ductor VERB` starts this program.
pub fn typed(text: &str) -> String {
    let ductor = program();
    if ductor == "ductor" { text.to_owned() } else { with(&ductor, text) }
}

/// What people type to run this program: its name, or its path where the name means another program or none. The
/// bot's own command line has the same name, and its `onboarding` starts from nothing.
fn program() -> String {
    let this = env::current_exe().unwrap_or_else(|_| "ductor".into());
    let named = search_path::which("ductor", &env::var_os("PATH").unwrap_or_default());
    match named {
        Some(named) if search_path::access::same_file(&named, &this) => "ductor".into(),
        _ => Shell::here().program(&this),
    }
}

/// A word `ductor` before no verb is the name of a package, or of what it keeps on.
fn with(ductor: &str, text: &str) -> String {
    let tree = cli::command();
    let is_verb = |word: &str| {
        word.starts_with("--") || tree.find_subcommand(word.trim_end_matches([')', ';', ':', ','])).is_some()
    };
    let words: Vec<&str> = text.split(' ').collect();
    let next = words.iter().skip(1).map(Some).chain([None]);
    let typed = words.iter().zip(next).map(|(word, next)| {
        let is_command = word.trim_start_matches('(') == "ductor" && next.is_some_and(|next| is_verb(next));
        if is_command { word.replace("ductor", ductor) } else { (*word).to_owned() }
    });
    typed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_ours_gets_the_path_and_nothing_else_does() {
        let typed = |text| with("/opt/ductor", text);
        assert_eq!(
            typed("ductor run --takeover   (or: ductor service restart)"),
            "/opt/ductor run --takeover   (or: /opt/ductor service restart)"
        );
        assert_eq!(
            typed("ductor service uninstall && sudo apt remove ductor"),
            "/opt/ductor service uninstall && sudo apt remove ductor"
        );
        assert_eq!(typed("ductor --help"), "/opt/ductor --help");
        for other in
            ["pgrep -a ductor", "pipx uninstall ductor", "ductor 0.2.0 is in /opt", "/x/ductor status"]
        {
            assert_eq!(typed(other), other);
        }
    }
}
