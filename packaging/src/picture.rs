//! `cargo xtask picture`: the *picture* in the README, `docs/session.svg`: what people see, from a real session.
//!
//! It is recorded on a booted machine, where the package and the real bot are installed. A test of the lab records it
//! again and compares, so that it shows what ductor shows today.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anstyle::{Color, RgbColor};
use anstyle_svg::{Term, WIN10_CONSOLE};
use anyhow::{Context, Result};

use crate::lab::image::{self, BOT};
use crate::lab::{Machine, wait_for};
use crate::progress::Progress;
use crate::report;
use crate::test::in_lab::own_package;
use crate::workspace::{Workspace, write};

/// Where the picture is, in the checkout.
pub const FILE: &str = "docs/session.svg";

/// What is typed.
const SESSION: [&str; 4] =
    ["ductor service install", "pkill -9 -f ductor_bot", "ductor service status", "ductor service doctor"];

/// A bot of alice's, configured with a token that is made up, and an agent for it.
const ALICE: &str = r#"
mkdir -p ~/.ductor/config ~/.local/bin && cd ~
echo '{"telegram_token": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "allowed_user_ids": [4711]}' \
    >.ductor/config/config.json
printf '#!/bin/sh\n' >.local/bin/claude && chmod 755 .local/bin/claude
"#;

/// Runs what was typed at a terminal of its own.
const TERMINAL: &str =
    "import os, pty; raise SystemExit(os.waitstatus_to_exitcode(pty.spawn(['sh', '/srv/typed'])))";

/// Waits until the service has brought the killed bot back.
const BACK: &str = "until /usr/bin/ductor service status --json | tr -d ' \\n' |
    grep -q '\"state\":\"running\".*\"bot_pid\":[0-9].*\"restarts\":1'; do sleep 0.1; done";

/// Makes the picture, with a package, else with the one that `cargo xtask test lab` has made.
///
/// # Errors
/// A need of the lab is not met, there is no package, or the session did not go as it should.
pub fn run(package: Option<&Path>) -> Result<()> {
    let workspace = Workspace::find()?;
    let package = package.map_or_else(|| own_package(&workspace.target.join("lab")), |it| Ok(it.into()))?;
    image::build_all(&[&BOT], &report::out)?;
    let step = Progress::new().begin("playing the session".into());
    let shown = record(&package)?;
    drop(step);
    write(&workspace.root, FILE, svg(&shown).as_bytes())?;
    report::out(FILE);
    Ok(())
}

/// Plays the session on a machine of its own: what the terminal shows in the end, with its colours.
///
/// # Errors
/// A need of the lab is not met, or the session did not go as it should.
pub fn record(package: &Path) -> Result<String> {
    let machine = Machine::boot(&BOT)?;
    fs::copy(package, machine.path("/srv/ductor.deb"))
        .with_context(|| format!("copy {}", package.display()))?;
    machine.run("root", &["apt-get", "install", "-y", "-q", "/srv/ductor.deb"])?.ok()?;
    let _logged_in = machine.login("alice")?;
    machine.run("alice", &["sh", "-c", ALICE])?.ok()?;
    let mut shown = String::new();
    for line in SESSION {
        shown.push_str(&format!("\x1b[2m$\x1b[0m \x1b[1m{line}\x1b[0m\n"));
        // From a file, as `pkill -f` finds what is in arguments; and the bot has a `ductor` of its own, which would
        // come first in PATH.
        fs::write(machine.path("/srv/typed"), line)?;
        let typed = ["env", "TERM=xterm", "PATH=/usr/bin:/bin", "python3", "-c", TERMINAL];
        shown.push_str(&still(&machine.run("alice", &typed)?.ok()?));
        if line.starts_with("pkill") {
            let back =
                || Ok((machine.run("alice", &["timeout", "30", "sh", "-c", BACK])?.code == 0).then_some(()));
            wait_for("the bot again", Duration::from_secs(60), back)?;
        }
        shown.push('\n');
    }
    Ok(shown)
}

/// What is left on the screen: of a line that was written over, the last.
fn still(seen: &str) -> String {
    let last =
        |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned() + "\n";
    seen.lines().map(last).collect()
}

/// The picture of a terminal, dark wherever it is seen.
pub fn svg(shown: &str) -> String {
    let [paper, ink] = [RgbColor(0x16, 0x18, 0x1d), RgbColor(0xd9, 0xdc, 0xe3)].map(Color::Rgb);
    Term::new().palette(WIN10_CONSOLE).bg_color(paper).fg_color(ink).render_svg(shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_over_is_gone() {
        assert_eq!(still("| waiting  1 s\r/ waiting  2 s\r              \r* up\r\nnext\r\n"), "* up\nnext\n");
    }
}
