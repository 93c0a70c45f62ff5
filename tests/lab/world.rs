//! A *world*: a machine with the package, and what the tests say and ask there, over and over.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask::lab::{Image, Machine, Output, User, wait_for};
use xtask::test::in_lab::PACKAGE;

/// Seconds that systemd waits before it starts a host again (`RestartSec`), and two for the start.
pub const BACK: Duration = Duration::from_secs(7);

/// Longer than anything takes that is going to happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A booted machine for the tests of the product.
pub struct World {
    machine: Machine,
}

impl Deref for World {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl World {
    /// A machine without the package.
    pub fn boot(image: &Image) -> Result<Self> {
        Ok(Self { machine: Machine::boot(image)? })
    }

    /// A machine with the package that reaches the Python package index as this computer's pip does.
    pub fn online(image: &Image) -> Result<Self> {
        let world = Self { machine: Machine::boot_online(image)? };
        world.install_package()?;
        let pip = Command::new("pip3").args(["config", "list"]).output().context("start pip3")?;
        let said = String::from_utf8_lossy(&pip.stdout).replace('\'', "");
        let mut settings = String::from("[global]\n");
        // The last one counts, whether it is of a file or of the environment.
        let named = said.lines().filter_map(|line| line.split_once('='));
        let named: BTreeMap<&str, &str> =
            named.map(|(name, value)| (name.rsplit('.').next().unwrap_or(name), value)).collect();
        for (name, value) in named {
            if name == "cert" {
                fs::copy(value, world.path(CERTIFICATES)).with_context(|| format!("copy {value}"))?;
                settings.push_str(&format!("cert = {CERTIFICATES}\n"));
            } else if ["index-url", "extra-index-url", "trusted-host", "proxy"].contains(&name) {
                settings.push_str(&format!("{name} = {value}\n"));
            }
        }
        fs::write(world.path("/etc/pip.conf"), settings)?;
        Ok(world)
    }

    /// A machine with the package.
    pub fn with_package(image: &Image) -> Result<Self> {
        let world = Self::boot(image)?;
        world.install_package()?;
        Ok(world)
    }

    /// A machine with the package, where alice has a bot of ours and the service runs it.
    pub fn with_service(image: &Image) -> Result<Self> {
        let world = Self::with_package(image)?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        world.started("alice", 1)?;
        Ok(world)
    }

    /// `sudo apt install ./ductor_*.deb`
    pub fn install_package(&self) -> Result<Output> {
        put_package(&self.machine)?;
        self.run("root", APT_INSTALL)?.ended(0)
    }

    /// Puts the program of the package to `path`, without the package, as a user who downloaded it would.
    pub fn place_program<'a>(&self, owner: impl Into<User<'a>>, path: &str) -> Result<()> {
        put_package(&self.machine)?;
        self.run("root", &["dpkg-deb", "--extract", "/srv/ductor.deb", "/srv/package"])?.ok()?;
        self.run(owner, &["install", "-D", "-m755", "/srv/package/usr/bin/ductor", path])?.ok().map(drop)
    }

    /// A line for a shell of a user.
    pub fn sh<'a>(&self, user: impl Into<User<'a>>, line: &str) -> Result<Output> {
        self.run(user, &["sh", "-c", line])
    }

    /// The product's own command line.
    pub fn ductor<'a>(&self, user: impl Into<User<'a>>, words: &[&str]) -> Result<Output> {
        self.run(user, &[&["/usr/bin/ductor"], words].concat())
    }

    /// `ductor service status --json` of a user.
    pub fn status<'a>(&self, user: impl Into<User<'a>>) -> Result<Value> {
        let said = self.ductor(user, &["service", "status", "--json"])?;
        serde_json::from_str(&said.stdout).with_context(|| said.to_string())
    }

    /// Gives a user the configuration of a bot whose token is made up.
    pub fn configure(&self, user: &str) -> Result<()> {
        let token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
        let config = serde_json::json!({"telegram_token": token, "allowed_user_ids": [4711]});
        self.give(user, ".ductor/config/config.json", &config.to_string(), 0o600).map(drop)
    }

    /// Gives a user a bot that notes its starts and ends in `~/events`, and ends with the code that
    /// [`World::end_bot`] writes. Its command line.
    pub fn make_bot(&self, user: &str) -> Result<String> {
        self.give(user, "bot", BOT, 0o755)
    }

    /// What the bot of [`World::make_bot`] does at its start, from the next one on: a part of a bash script.
    pub fn begin_with(&self, user: &str, script: &str) -> Result<()> {
        self.give(user, "begin", script, 0o644).map(drop)
    }

    /// Lets systemd start a host that ended badly after a tenth of a second, and count as ever.
    pub fn hurry(&self, user: &str) -> Result<()> {
        let drop_in = ".config/systemd/user/ductor.service.d/hurry.conf";
        self.give(user, drop_in, "[Service]\nRestartSec=100ms\n", 0o644)?;
        self.run(user, &["systemctl", "--user", "daemon-reload"])?.ok().map(drop)
    }

    /// Starts a host in the foreground, as if in a terminal that stays open, and waits for its bot. What it says
    /// goes to `~/said`.
    pub fn foreground(&self, user: &str, words: &str) -> Result<()> {
        let before = self.count(user, "start")?;
        let line = format!("export DUCTOR_BOT=~/bot; setsid -f /usr/bin/ductor {words} >~/said 2>&1");
        self.run(user, &["sh", "-c", &line])?.ok()?;
        self.started(user, before + 1)
    }

    /// How many events of this kind there were.
    pub fn count(&self, user: &str, what: &str) -> Result<usize> {
        Ok(self.events(user)?.iter().filter(|event| event.what == what).count())
    }

    /// Waits until so many bots of [`World::make_bot`] were started; there are no more of them.
    pub fn started(&self, user: &str, count: usize) -> Result<()> {
        self.noted(user, "start", count)
    }

    /// Waits for so many events of this kind; there are no more of them. What a bot notes first, it has not noted yet
    /// when it is up: only its process is then sure to be there.
    pub fn noted(&self, user: &str, what: &str, count: usize) -> Result<()> {
        wait_for(&format!("{what} {count} of a bot"), PATIENCE, || {
            let events = self.events(user)?;
            ensure!(events.iter().filter(|event| event.what == what).count() >= count, "{events:?}");
            Ok(Some(()))
        })?;
        let events = self.events(user)?;
        ensure!(self.count(user, what)? == count, "more than {count} times {what}: {events:?}");
        Ok(())
    }

    /// Waits for a status of a user, seen without a login.
    pub fn status_when(&self, user: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        wait_for(what, PATIENCE, || {
            let status = self.status(User::Cron(user))?;
            ensure!(is(&status), "{status:#}");
            Ok(Some(status))
        })
    }

    /// Waits for lines that `ductor service logs` shows: the journal is behind those who speak.
    pub fn logs_when<'a>(
        &self,
        user: impl Into<User<'a>>,
        what: &str,
        is: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let user = user.into();
        wait_for(what, PATIENCE, || {
            let logs = self.ductor(user, &["service", "logs", "--no-follow", "-n", "999"])?.ok()?;
            ensure!(is(&logs), "{logs}");
            Ok(Some(logs))
        })
    }

    /// A file in the home of a user; empty if it is not there.
    pub fn read(&self, user: &str, path: &str) -> String {
        fs::read_to_string(self.path(&format!("/home/{user}/{path}"))).unwrap_or_default()
    }

    /// Lets the bot of [`World::make_bot`] end with this code.
    pub fn end_bot(&self, user: &str, code: i32) -> Result<()> {
        let end = format!("echo {code} >~/end.new && mv ~/end.new ~/end");
        self.run(User::Cron(user), &["sh", "-c", &end])?.ok().map(drop)
    }

    /// The events of that bot.
    pub fn events(&self, user: &str) -> Result<Vec<Event>> {
        let text = fs::read_to_string(self.path(&format!("/home/{user}/events"))).unwrap_or_default();
        text.lines().map(Event::read).collect()
    }

    /// The processes of a user with this name, as root sees them: nobody is logged in for it. Not those that have ended
    /// and whose parent has not looked yet.
    pub fn processes(&self, user: &str, name: &str) -> Result<Vec<String>> {
        let found = self.run(User::Root, &["pgrep", "--runstates", "DRSTtI", "-u", user, "-x", name])?;
        Ok(found.stdout.split_whitespace().map(String::from).collect())
    }

    /// alice's one process whose command line is so is this one. A bot that is not exec'd yet is none, and one that starts
    /// another program is two, for a moment.
    pub fn only_real_bot(&self, pattern: &str, pid: &str) -> Result<()> {
        wait_for("one bot", PATIENCE, || {
            let found = self.run(User::Root, &["pgrep", "-u", "alice", "-f", pattern])?.stdout;
            ensure!(found.trim() == pid, "{found:?}, not {pid}");
            Ok(Some(()))
        })
    }

    /// Writes a file into the home of a user, who owns it and the folders made for it. Its path.
    pub fn give(&self, user: &str, path: &str, text: &str, mode: u32) -> Result<String> {
        let inside = format!("/home/{user}/{path}");
        let parent = PathBuf::from(&inside).parent().context("a file is in a folder")?.display().to_string();
        self.run(User::Cron(user), &["mkdir", "-p", &parent])?.ok()?;
        fs::write(self.path(&inside), text)?;
        fs::set_permissions(self.path(&inside), fs::Permissions::from_mode(mode))?;
        self.run("root", &["chown", &format!("{user}:{user}"), &inside])?.ok()?;
        Ok(inside)
    }
}

/// One line of a bot of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `start`, `end`, or a signal.
    pub what: String,
    /// Whose.
    pub pid: String,
    /// Since the epoch.
    pub at: Duration,
}

impl Event {
    fn read(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, pid, at] = words[..] else { anyhow::bail!("not an event: {line:?}") };
        Ok(Self { what: what.into(), pid: pid.into(), at: Duration::from_nanos(at.parse()?) })
    }
}

/// A bot that notes its starts and ends. Who reads that it has started may end it: it listens by then. It waits without
/// a child, which would be called as itself until it is a `sleep`.
pub const BOT: &str = r#"#!/bin/bash
note() { echo "$1 $$ ${EPOCHREALTIME/[.,]/}000" >>"$HOME/events"; }
trap 'note term; exit 0' TERM
note start
echo "the bot $$ says hello"
[ ! -e "$HOME/begin" ] || . "$HOME/begin"
until [ -e "$HOME/end" ]; do read -rt 0.05 <>/dev/ptmx; done
read -r code <"$HOME/end"
rm "$HOME/end"
note end
exit "$code"
"#;

/// Where the certificates stand in a machine that this computer trusts.
pub const CERTIFICATES: &str = "/srv/certificates.pem";

/// Where the package stands in a machine, and how it is installed there.
pub const APT_INSTALL: &[&str] = &["apt-get", "install", "-y", "-q", "/srv/ductor.deb"];

/// Puts the package that is tested to `/srv/ductor.deb`.
pub fn put_package(machine: &Machine) -> Result<()> {
    let package = std::env::var(PACKAGE).context(PACKAGE)?;
    fs::copy(&package, machine.path("/srv/ductor.deb")).with_context(|| format!("copy {package}"))?;
    Ok(())
}

/// Whether `status` names this problem.
pub fn has_problem(status: &Value, id: &str) -> bool {
    status["problems"].as_array().is_some_and(|all| all.iter().any(|problem| problem["id"] == id))
}
