//! `ductor uninstall`: the service first, then what the installer and `ductor bot install` placed. The bot's own
//! files stay, unless `--purge` is given.

use std::path::Path;

use crate::bot;
use crate::cli::UninstallArgs;
use crate::effects::Effects;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::host;
use crate::origin::{self, Origin, place};
use crate::service::turn::Turn;
use crate::shell::Shell;
use crate::words;

use super::{Code, Context};

pub fn run(context: &Context<'_>, args: &UninstallArgs) -> Result<Code> {
    let program = origin::program()?;
    let origin = origin::of(&context.home, &program);
    if let Origin::Package(manager) = origin {
        let cause = format!("{} belongs to {}, which removes it", program.display(), manager.name);
        return Err(Error::new("ductor uninstall", cause)
            .fix(Shell::here().then("ductor service uninstall", manager.remove)));
    }
    if args.purge {
        refuse_to_purge(&context.home)?;
    }
    if args.dry_run {
        let done = context.rehearse(|effects| remove(context, &origin, args.purge, effects))?;
        say_by_hand(context, &origin, &program);
        return Ok(done);
    }
    if host::inside(&context.home).is_some() {
        return Err(Error::new(
            "ductor uninstall",
            "this command runs inside the bot, which would end with it",
        )
        .fix("run it in a terminal of your own"));
    }
    let root = context.home.root();
    let question = format!("Remove {} too, with the bot's configuration and all its files?", root.display());
    if args.purge && !args.yes && root.exists() && !context.ask(&question, false) {
        let cause = "nothing was removed; these files go, unasked, by: ductor uninstall --purge --yes";
        return Err(Error::new("ductor uninstall", cause).fix("ductor uninstall"));
    }
    let _turn = Turn::take(&context.home)?;
    let done = context.effects(false, |effects| remove(context, &origin, args.purge, effects))?;
    say_by_hand(context, &origin, &program);
    if root.exists() {
        let (path, word) = (root.display(), words::quote(root.to_string_lossy()));
        context.screen.say(format_args!("kept {path}, the bot's own files; to remove them: rm -r {word}"));
    }
    Ok(done)
}

/// What nobody noted stays, and its owner is told.
fn say_by_hand(context: &Context<'_>, origin: &Origin, program: &Path) {
    if let Origin::Hand = origin {
        let (path, word) = (program.display(), words::quote(program.to_string_lossy()));
        context.screen.say(format_args!("{path} was put there by hand; to remove it: rm {word}"));
    }
}

/// `DUCTOR_HOME` may name anything, `~` too: what is removed whole has to be a home of the bot and of nothing else.
fn refuse_to_purge(home: &Home) -> Result<()> {
    let root = home.root();
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let cause = if real(home.user()).starts_with(real(root)) {
        "your own home folder is in it"
    } else if root.is_symlink() {
        "it is a link; what it leads to would stay"
    } else if root.exists() && !home.is_default() && !home.config().exists() {
        "it holds no configuration of the bot, so it may be somebody else's"
    } else {
        return Ok(());
    };
    Err(Error::new(format!("--purge of {}", root.display()), cause).fix("ductor uninstall"))
}

fn remove(context: &Context<'_>, origin: &Origin, purge: bool, effects: &Effects<'_>) -> Result<Code> {
    let home = &context.home;
    let mut said = context.manager()?.uninstall(effects)?;
    if effects.is_real() {
        said.extend(host::stop_everything(home)?);
    }
    let bot = bot::install::folder(home);
    if effects.remove_all(&bot)? {
        said.push(format!("removed {}", bot.display()));
    }
    if let Origin::Installer(receipt) = origin {
        said.extend(place::remove(home, receipt, effects)?);
        said.push(format!("removed {}", receipt.program.display()));
    }
    if let Origin::Dist(dist) = origin {
        said.extend(dist.remove(effects)?);
        said.push("removed what cargo-dist's installer placed".into());
    }
    effects.remove_if_empty(&[home.data()]);
    if purge && effects.remove_all(home.root())? {
        said.push(format!("removed {}", home.root().display()));
    }
    if effects.is_real() {
        said.iter().for_each(|line| context.screen.say(line));
        context.screen.outcome(match origin {
            Origin::Installer(_) | Origin::Dist(_) => "ductor is uninstalled",
            _ => "nothing that ductor installed is left",
        });
    }
    Ok(Code::Done)
}
