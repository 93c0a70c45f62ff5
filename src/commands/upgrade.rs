//! `ductor upgrade`: another version in the place of this one, seen to come up; else this one again.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use semver::Version;

use crate::cli::UpgradeArgs;
use crate::effects::{Command, Effects, Transaction};
use crate::error::{Code, Error, Result};
use crate::host;
use crate::origin::place::{Archive, place};
use crate::origin::release::Release;
use crate::origin::{self, Origin, Receipt};
use crate::service::manager::State;

use super::Context;

/// Longer than the service needs to stop, start, and be up.
const RESTART: Duration = Duration::from_secs(90);

pub fn run(context: &Context<'_>, args: &UpgradeArgs) -> Result<Code> {
    let receipt = receipt(context)?;
    if !args.check && !args.dry_run && host::inside(&context.home).is_some() {
        return Err(Error::new(
            "ductor upgrade",
            "this command runs inside the bot, which is restarted for it",
        )
        .fix("run it in a terminal of your own"));
    }
    let wanted = args.version.as_deref().map(parse).transpose()?;
    context.screen.say(format_args!("looking at {}", receipt.source));
    let release = Release::look(&context.home, &receipt, wanted.as_ref())?;
    if receipt.public_key.is_none() {
        context
            .screen
            .say("the signature was not checked (this ductor was installed without a key); the hash is");
    }

    let (this, that) = (parse(env!("CARGO_PKG_VERSION"))?, &release.version);
    match that.cmp(&this) {
        Ordering::Equal => context.screen.data(format_args!("ductor {this} is here already")),
        Ordering::Less if wanted.is_none() && !args.check => {
            return Err(Error::new("ductor upgrade", format!("the newest is {that}, and this is {this}"))
                .fix(format!("ductor upgrade --version {that}")));
        }
        _ if args.check => context.screen.data(format_args!("ductor {that} is there; this is {this}")),
        _ => return change(context, &receipt, &release, args.dry_run),
    }
    Ok(Code::Done)
}

/// What the installer noted of this program, if it is the installer's.
fn receipt(context: &Context<'_>) -> Result<Receipt> {
    let program = origin::program()?;
    let refuse = |cause: String| Error::new("ductor upgrade", cause);
    match origin::of(&context.home, &program) {
        Origin::Installer(receipt) => Ok(receipt),
        Origin::Package(manager) => {
            let cause = format!("{} belongs to {}, which upgrades it", program.display(), manager.name);
            Err(refuse(cause).fix(manager.upgrade))
        }
        Origin::Hand => Err(refuse(format!("{} was put there by hand", program.display())).fix(concat!(
            "put the newer one there: ",
            env!("CARGO_PKG_REPOSITORY"),
            "/releases"
        ))),
    }
}

fn parse(version: &str) -> Result<Version> {
    let version = version.trim_start_matches('v');
    Version::parse(version)
        .map_err(|error| Error::new(format!("version {version:?}"), error).code(Code::Usage))
}

fn change(context: &Context<'_>, receipt: &Receipt, release: &Release, dry_run: bool) -> Result<Code> {
    let unpacked = release.unpack()?;
    let version = release.version.to_string();
    let archive = Archive {
        unpacked: &unpacked,
        version: &version,
        source: &receipt.source,
        public_key: receipt.public_key.as_deref(),
    };
    let change = |effects: &Effects<'_>| {
        let mut transaction = Transaction::new(effects);
        place(&context.home, &archive, &receipt.prefix, &mut transaction)?;
        if let Err(error) = restart(context, &receipt.program, effects) {
            drop(transaction); // everything is as it was
            return Err(roll_back(context, receipt, &version, &error));
        }
        transaction.commit();
        Ok(())
    };
    if dry_run {
        context.rehearse(change)?;
    } else {
        context.effects(false, change)?;
        context
            .screen
            .data(format_args!("ductor {version} is in the place of {}", env!("CARGO_PKG_VERSION")));
    }
    Ok(Code::Done)
}

/// Has the program that is there now run the service by its own definition, and see it come up. A service that does
/// not run, or a host in the foreground, is not touched.
fn restart(context: &Context<'_>, program: &Path, effects: &Effects<'_>) -> Result<()> {
    let report = context.manager()?.report();
    let service = report.as_ref().map_or(State::Unknown, |report| report.state);
    let pid = report.map_or(None, |report| report.pid);
    if let Some(host) = host::find(&context.home).filter(|host| Some(host.process.pid) != pid) {
        let pid = host.process.pid;
        context.screen.say(format_args!("the host in the foreground (pid {pid}) is still the old one"));
    }
    if !matches!(service, State::Running | State::Starting | State::Restarting) {
        return Ok(());
    }
    for words in [&["--quiet", "service", "install", "--no-start"][..], &["service", "restart"]] {
        let command = Command::new(program, words).timeout(RESTART);
        let output = effects.run(&command)?;
        if !output.success() {
            return Err(command.failed(&output));
        }
    }
    Ok(())
}

/// The old files are back; now the old program. The error that says so.
fn roll_back(context: &Context<'_>, receipt: &Receipt, version: &str, error: &Error) -> Error {
    let back = context.effects(false, |effects| restart(context, &receipt.program, effects));
    let this = env!("CARGO_PKG_VERSION");
    let now = match back {
        Ok(()) => format!("{this} is back"),
        Err(error) => format!("the files of {this} are back, but its service is not: {}", error.cause),
    };
    Error::new(format!("ductor {version}"), format!("{}: {}\n{now}", error.what, error.cause))
        .fix("ductor service status")
}
