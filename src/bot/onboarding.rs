//! *Onboarding*: the bot's own set-up wizard on the person's terminal, and nothing else of the bot.
//!
//! The bot's command `onboarding` would also stop the service, reset the workspace, install its Python service
//! and start a second bot. So its wizard is called as a function, with the question for a service answered
//! no: that offer is ours.

use std::env;
use std::process;

use crate::bot::{Bot, Source, configured};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::search_path;

/// How the wizard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The bot is configured now.
    Configured,
    /// The person left before the end (or the wizard said what has to be done first); nothing was started.
    Cancelled,
}

/// The exit code by which [`WIZARD`] says that this version of the bot has another wizard.
const OTHER_WIZARD: i32 = 64;

/// Runs the wizard alone. In a version of the bot where it has other names, nothing is called at all. Its last
/// line says that the bot is being started, which is not so here.
const WIZARD: &str = "\
import sys
try:
    from ductor_bot.cli import init_wizard as wizard
    wizard.run_onboarding, wizard._offer_service_install
except (ImportError, AttributeError) as error:
    print(error, file=sys.stderr)
    sys.exit(64)
wizard._offer_service_install = lambda *args, **options: False
said = getattr(wizard, 't_rich', None)
wizard.t_rich = lambda key, **words: '' if key == 'wizard.complete.starting_bot' else said(key, **words)
wizard.run_onboarding()
";

/// Runs the wizard of `bot` on this terminal, and waits for its end.
///
/// # Errors
/// The bot was chosen by `DUCTOR_BOT` (there is no wizard then), its version has no wizard that can be run
/// alone, or it failed.
pub fn wizard(bot: &Bot, home: &Home) -> Result<Ended> {
    let python = match (&bot.source, bot.command.first()) {
        (Source::Chosen, _) | (_, None) => {
            return Err(Error::new("DUCTOR_BOT", "a program of your own has no set-up wizard")
                .code(Code::Configuration));
        }
        (_, Some(python)) => python,
    };
    let failed = |cause: String| Error::new("the bot's set-up wizard", cause);
    // `-P`: no module is taken from the folder where the person stands (Python 3.11, which the bot needs).
    let status = process::Command::new(python)
        .args(["-P", "-c", WIZARD])
        .env("DUCTOR_HOME", home.root())
        .env("PATH", search_path::for_bot(home.user(), env::var_os("PATH").as_deref()))
        .status()
        .map_err(|error| failed(format!("{}: {error}", python.to_string_lossy())))?;
    match status.code() {
        Some(0) if configured::check(home).is_ok() => Ok(Ended::Configured),
        Some(0) => Ok(Ended::Cancelled),
        Some(OTHER_WIZARD) => {
            Err(failed("this version of the bot has another one".into()).fix("ductor bot install"))
        }
        _ => Err(failed(format!("it ended with {status}"))),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::bot::world::World;

    /// What the real wizard does, in short: it asks for a service at its end.
    const REAL_SHAPE: &str = "\
import os
def t_rich(key, **words):
    return key
def _offer_service_install(console):
    raise SystemExit('the service was offered')
def run_onboarding():
    folder = os.path.join(os.environ['DUCTOR_HOME'], 'config')
    os.makedirs(folder)
    end = t_rich('wizard.complete.header') + t_rich('wizard.complete.starting_bot')
    assert not _offer_service_install(None) and end == 'wizard.complete.header', end
    with open(os.path.join(folder, 'config.json'), 'w') as file:
        file.write('{\"telegram_token\": \"1:a\", \"allowed_user_ids\": [1]}')
";

    fn run(wizard_py: &str) -> (World, Result<Ended>) {
        let world = World::new();
        world.write("lib/ductor_bot/__init__.py", "");
        world.write("lib/ductor_bot/cli/__init__.py", "");
        world.write("lib/ductor_bot/cli/init_wizard.py", wizard_py);
        let lib = world.path("lib");
        let python = format!("#!/bin/sh\nPYTHONPATH='{}' exec python3 \"$@\"\n", lib.display());
        let python = world.program("python", python);
        let bot = Bot { command: vec![python.into()], source: Source::Installed };
        let ended = wizard(&bot, &world.home());
        (world, ended)
    }

    #[test]
    fn the_wizard_runs_without_its_offer_of_a_service() {
        assert_eq!(run(REAL_SHAPE).1.unwrap(), Ended::Configured);
    }

    #[test]
    fn a_person_who_leaves_the_wizard_is_not_configured() {
        let leave = REAL_SHAPE.replace("    folder =", "    raise SystemExit(0)\n    folder =");
        assert_eq!(run(&leave).1.unwrap(), Ended::Cancelled);
    }

    #[test]
    fn a_wizard_with_other_names_is_not_run_at_all() {
        let other = REAL_SHAPE.replace("_offer_service_install", "_ask_for_service");
        let (world, ended) = run(&other);
        assert_eq!(ended.unwrap_err().cause, "this version of the bot has another one");
        assert!(!world.home().root().exists());
    }

    #[test]
    fn a_program_of_ones_own_has_no_wizard() {
        let bot = Bot { command: vec!["/bin/true".into()], source: Source::Chosen };
        assert_eq!(wizard(&bot, &World::new().home()).unwrap_err().code, Code::Configuration);
    }
}
