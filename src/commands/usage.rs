//! *Usage*: a command line that is wrong, told in the shape of every other error.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

use crate::cli;
use crate::error::{Code, Error};

/// What clap has against a command line, as an error of ours that ends with the nearest one, or with the help.
pub fn error(args: &[OsString], wrong: &clap::Error) -> Error {
    let said = wrong.render().to_string();
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let cause =
        said.split("\n\n").next().unwrap_or(said).lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let nearest = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg].into_iter();
    let nearest = nearest.filter_map(|kind| last(wrong.get(kind)?)).next().unwrap_or("--help");
    let (tree, words) = command(args);
    let unknown = wrong.get(ContextKind::InvalidSubcommand).and_then(last);
    let meant = unknown.and_then(|word| meant(&tree, word)).unwrap_or_else(|| nearest.to_owned());
    Error::new("the command line", cause).code(Code::Usage).fix(format!("{words} {meant}"))
}

/// The verbs that a word which is none at this level names one level down, or is the beginning of; none where that is
/// more than one. clap knows only what is like it at its own level, and `start` is like `restart`.
fn meant(tree: &clap::Command, word: &str) -> Option<String> {
    let own: Vec<String> = verbs(tree).map(|verb| verb.get_name().to_owned()).collect();
    let below = verbs(tree)
        .flat_map(|verb| verbs(verb).map(move |inner| (verb.get_name(), inner.get_name())))
        .filter(|(_, name)| !own.iter().any(|own| own == name));
    let below: Vec<(String, &str)> = below.map(|(verb, name)| (format!("{verb} {name}"), name)).collect();
    let exact = below.iter().find(|(_, name)| *name == word).map(|(path, _)| path.clone());
    exact.or_else(|| {
        let own = own.iter().filter(|name| name.starts_with(word)).cloned();
        let below = below.iter().filter(|(_, name)| name.starts_with(word)).map(|(path, _)| path.clone());
        let mut begun = own.chain(below);
        begun.next().filter(|_| begun.next().is_none())
    })
}

fn verbs(tree: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    tree.get_subcommands().filter(|verb| !verb.is_hide_set())
}

/// clap lists what is nearest last.
fn last(value: &ContextValue) -> Option<&str> {
    match value {
        ContextValue::String(word) => Some(word),
        ContextValue::Strings(words) => words.last().map(String::as_str),
        _ => None,
    }
}

/// The command that the words name as far as they do, and these words: `ductor service`.
fn command(args: &[OsString]) -> (clap::Command, String) {
    let (mut tree, mut words) = (cli::command(), "ductor".to_owned());
    for arg in args.iter().skip(1).filter(|arg| !arg.to_string_lossy().starts_with('-')) {
        let Some(found) = tree.find_subcommand(arg).cloned() else { break };
        words = format!("{words} {}", found.get_name());
        tree = found;
    }
    (tree, words)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn it_ends_with_the_nearest_command_or_the_help() {
        let said = |words: &str| {
            let args: Vec<OsString> = words.split(' ').map(Into::into).collect();
            error(&args, &cli::Cli::try_parse_from(&args).unwrap_err()).to_string()
        };
        for (words, cause, fix) in [
            ("ductor statsu", "unrecognized subcommand 'statsu'", "ductor status"),
            ("ductor -v service statsu", "unrecognized subcommand 'statsu'", "ductor service status"),
            ("ductor doctor", "unrecognized subcommand 'doctor'", "ductor service doctor"),
            ("ductor start", "unrecognized subcommand 'start'", "ductor service start"),
            ("ductor logs", "unrecognized subcommand 'logs'", "ductor service logs"),
            ("ductor log", "unrecognized subcommand 'log'", "ductor service logs"),
            ("ductor service stat", "unrecognized subcommand 'stat'", "ductor service status"),
            ("ductor stop now", "unexpected argument 'now' found", "ductor stop --help"),
            (
                "ductor service install --no-lingr",
                "unexpected argument '--no-lingr' found",
                "ductor service install --no-linger",
            ),
            (
                "ductor completions",
                "the following required arguments were not provided: <SHELL>",
                "ductor completions --help",
            ),
            (
                "ductor service render --manager x",
                "invalid value 'x' for '--manager <MANAGER>' [possible values: systemd, launchd, task-scheduler]",
                "ductor service render --help",
            ),
        ] {
            assert_eq!(said(words), format!("error: the command line: {cause}\n  fix: {fix}"));
        }
    }
}
