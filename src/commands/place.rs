//! `ductor place`: what the installer calls in the program that it unpacked. Prints where the program is now.

use std::env;
use std::path::{self, Path};

use semver::Version;

use crate::cli::PlaceArgs;
use crate::effects::{Effects, Transaction};
use crate::error::{Code, Context as _, Error, Result};
use crate::home::Home;
use crate::origin::Receipt;
use crate::origin::place::{Archive, default_prefix, note, place};
use crate::search_path;
use crate::shell::Shell;

use super::Context;

pub fn run(context: &Context<'_>, args: &PlaceArgs) -> Result<Code> {
    let prefix = match &args.prefix {
        Some(prefix) => path::absolute(prefix).about(prefix.display())?,
        None => default_prefix(&context.home),
    };
    if !args.asked_for {
        refuse_older(&context.home)?;
    }
    let archive = Archive {
        unpacked: &args.folder,
        version: env!("CARGO_PKG_VERSION"),
        source: &args.from,
        public_key: args.public_key.as_deref(),
    };
    let place = |effects: &Effects<'_>| {
        let mut transaction = Transaction::new(effects);
        let receipt = place(&context.home, &archive, &prefix, &mut transaction)?;
        let receipt = note(&context.home, receipt, &mut transaction)?;
        transaction.commit();
        Ok(receipt)
    };
    if args.dry_run {
        context.rehearse(place)?;
        return Ok(Code::Done);
    }
    let receipt = context.effects(false, place)?;
    context.screen.say(format_args!("ductor {} is in {}", receipt.version, receipt.program.display()));
    hint(context, &receipt.program);
    context.screen.give(&receipt.program.display().to_string()).map(|()| Code::Done)
}

/// Who can put a release of long ago in the place of the latest one brings its faults back.
fn refuse_older(home: &Home) -> Result<()> {
    let this = env!("CARGO_PKG_VERSION");
    let there = Receipt::read(home).map(|receipt| receipt.version).unwrap_or_default();
    match (Version::parse(this), Version::parse(&there)) {
        (Ok(new), Ok(old)) if new < old => Err(Error::new(
            format!("ductor {this}"),
            format!("a newer one is here: {there}; nothing was changed"),
        )
        .fix(format!("the same with: --version {this}"))),
        _ => Ok(()),
    }
}

/// Says what a person has to know who types `ductor`.
fn hint(context: &Context<'_>, program: &Path) {
    let path = env::var_os("PATH").unwrap_or_default();
    let folder = program.parent().unwrap_or(program);
    let found = match search_path::which("ductor", &path) {
        Some(first) if search_path::access::same_file(&first, program) => return,
        Some(first) => format!("another ductor comes first on PATH, {}", first.display()),
        None => format!("{} is not on PATH", folder.display()),
    };
    let (shell, say) = (Shell::here(), context.screen);
    say.say(format_args!("{found}; {}: {}", shell.how_long(), shell.put_first_on_path(folder)));
}
