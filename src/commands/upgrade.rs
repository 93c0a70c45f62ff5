//! `ductor upgrade`: another version in the place of this one, seen to come up; else this one again.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use semver::Version;

use crate::cli::UpgradeArgs;
use crate::effects::{Command, Effects, Transaction};
use crate::error::{Code, Error, Result};
use crate::host;
use crate::origin::place::{Archive, note, place};
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
    let release = context.screen.during("looking for a release", |step| {
        step(&format!("looking at {}", receipt.source));
        Release::look(&context.home, &receipt, wanted.as_ref())
    })?;
    if receipt.public_key.is_none() {
        context.screen.say("the hash is checked, no signature: this ductor was installed without a key");
    }

    let (this, that) = (parse(env!("CARGO_PKG_VERSION"))?, &release.version);
    // The receipt is written last: one of another version is of an upgrade that was cut off.
    let is_whole = receipt.version == this.to_string();
    match that.cmp(&this) {
        Ordering::Equal if is_whole || args.check => {
            context.screen.outcome(format_args!("ductor {this} is here already"));
        }
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
        Origin::Dist(_) => {
            let cause = format!("{} belongs to cargo-dist's installer, which upgrades it", program.display());
            Err(refuse(cause).fix(origin::dist::UPGRADE))
        }
        Origin::Package(manager) => {
            let cause = format!(
                "{} belongs to {}, which upgrades it by the newer package",
                program.display(),
                manager.name
            );
            Err(refuse(cause).fix(manager.upgrade))
        }
        Origin::Hand => {
            let cause = format!("{} was put there by hand, so no installer knows it", program.display());
            Err(refuse(cause).fix(origin::place::installer()))
        }
    }
}

fn parse(version: &str) -> Result<Version> {
    let version = version.trim_start_matches('v');
    Version::parse(version).map_err(|error| {
        Error::new(format!("version {version:?}"), error).code(Code::Usage).fix("ductor upgrade --check")
    })
}

fn change(context: &Context<'_>, receipt: &Receipt, release: &Release, dry_run: bool) -> Result<Code> {
    let unpacked = context.screen.during("fetching it", |_| release.unpack())?;
    let version = release.version.to_string();
    let archive = Archive {
        unpacked: &unpacked,
        version: &version,
        source: &receipt.source,
        public_key: receipt.public_key.as_deref(),
    };
    let runs = service_runs(context);
    let change = |effects: &Effects<'_>| {
        let mut transaction = Transaction::new(effects);
        let placed = place(&context.home, &archive, &receipt.prefix, &mut transaction)?;
        let up = if runs { restart(&receipt.program, effects) } else { Ok(()) };
        let Err(error) = up.and_then(|()| note(&context.home, placed, &mut transaction)) else {
            transaction.commit();
            return Ok(());
        };
        drop(transaction); // every file is as it was
        if !runs {
            return Err(error);
        }
        let back = restart(&receipt.program, effects);
        Err(failed(&version, &error, back.as_ref()))
    };
    if dry_run {
        context.rehearse(change)?;
    } else {
        context.screen.during("putting it in place", |_| context.effects(false, change))?;
        context.screen.outcome(format_args!("ductor {version} is in the place of {}", receipt.version));
    }
    Ok(Code::Done)
}

/// Whether the service runs, and will have to be restarted. A host in the foreground is its person's to restart.
fn service_runs(context: &Context<'_>) -> bool {
    let report = context.manager().and_then(|manager| manager.report());
    let pid = report.as_ref().map_or(None, |report| report.pid);
    if let Some(host) = host::find(&context.home).filter(|host| Some(host.process.pid) != pid) {
        let pid = host.process.pid;
        context
            .screen
            .say(format_args!("the host in the foreground (pid {pid}) stays this version until it ends"));
    }
    report.is_ok_and(|report| matches!(report.state, State::Running | State::Starting | State::Restarting))
}

/// Has the program that is there now bring the service to its own definition, and see it come up.
fn restart(program: &Path, effects: &Effects<'_>) -> Result<()> {
    for words in [&["--quiet", "service", "install", "--no-start"][..], &["service", "restart"]] {
        let command = Command::new(program, words).timeout(RESTART);
        let output = effects.run(&command)?;
        if !output.success() {
            return Err(command.failed(&output));
        }
    }
    Ok(())
}

/// The new one did not come up.
fn failed(version: &str, error: &Error, back: Result<&(), &Error>) -> Error {
    let this = env!("CARGO_PKG_VERSION");
    let now = match back {
        Ok(()) => format!("{this} is back, and runs"),
        Err(error) => format!("{this} is back, but does not run: {}", error.cause),
    };
    Error::new(format!("ductor {version}"), format!("it did not come up: {}\n  {now}", error.cause))
        .fix("ductor service status")
}
