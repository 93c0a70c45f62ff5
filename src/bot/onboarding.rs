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

/// Runs the wizard alone. In a version of the bot where it has other names, nothing is called at all.
const WIZARD: &str = "\
import sys
try:
    from ductor_bot.cli import init_wizard as wizard
    wizard.run_onboarding, wizard._offer_service_install
except (ImportError, AttributeError) as error:
    print(error, file=sys.stderr)
    sys.exit(64)
wizard._offer_service_install = lambda *args, **options: False
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
