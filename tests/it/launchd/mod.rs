//! The service under launchd, on any Unix: the real `ductor` against the fake `launchctl`, which really starts the
//! host. What the fake knows of launchd, and from where, stands in `tests/fakes/src/launchctl.rs`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod cases;
mod definitions;
mod hosts;
mod on_a_mac;
mod verbs;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use fakes::state::State;
use serde_json::Value;

use crate::world::{BOT, Said, World, problems_of};

/// A user of a Mac, logged in at its screen, with a bot.
pub struct Mac {
    pub world: World,
    pub launchd: State,
}

impl Mac {
    pub fn new() -> Self {
        Self::with(BOT)
    }

    /// With this bot, as in [`World::new`].
    pub fn with(bot: &str) -> Self {
        let world = World::new(bot);
        let launchd = State::at(world.path("launchd"));
        launchd.set("screen", "").unwrap();
        launchd.set("throttle-ms", "50").unwrap();
        launchd.set("setenv", &format!("WORLD={}", world.path("").display())).unwrap();
        crate::fakes::put(&world.path("bin"), &["launchctl"]);
        crate::fakes::link_ductor(&world.path("bin"));
        Self { world, launchd }
    }

    /// With the service installed, and up.
    pub fn installed() -> Self {
        let mac = Self::new();
        mac.install().ended(0);
        mac
    }

    pub fn ductor(&self, words: &[&str]) -> Said {
        self.ductor_with(words, &[])
    }

    pub fn ductor_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        Said::of(self.command(words).envs(variables.iter().copied()))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let path = format!("{}:/usr/bin:/bin", self.world.path("bin").display());
        let mut command = self.world.ductor(words);
        command.env("DUCTOR_MANAGER", "launchd").env("PATH", path).env("LANG", "C.UTF-8");
        command.env("FAKE_STATE", self.launchd.path("")).env_remove("DUCTOR_BOT");
        command
    }

    pub fn install(&self) -> Said {
        self.install_with(&[], &[])
    }

    pub fn install_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        let bot = self.world.path("bot");
        let all = [&["service", "install", "--bot", bot.to_str().unwrap()], words].concat();
        self.ductor_with(&all, variables)
    }

    /// `service status --json`.
    pub fn status(&self) -> Value {
        self.ductor(&["service", "status", "--json"]).json()
    }

    pub fn state(&self) -> String {
        self.status()["state"].as_str().unwrap().to_owned()
    }

    /// The ids of the problems in the status.
    pub fn problems(&self) -> Vec<String> {
        problems_of(&self.status())
    }

    pub fn agent(&self) -> PathBuf {
        self.world.path("Library/LaunchAgents/dev.ductor.plist")
    }

    /// Puts a property list where the agent stands.
    pub fn give(&self, text: &str) {
        fs::create_dir_all(self.agent().parent().unwrap()).unwrap();
        fs::write(self.agent(), text).unwrap();
    }

    /// The calls of launchctl so far that are more than questions.
    pub fn changes(&self) -> Vec<String> {
        let calls = self.launchd.get("calls").unwrap_or_default();
        let changes = calls.lines().filter_map(|call| call.strip_prefix("launchctl "));
        changes.filter(|call| is_change(call)).map(|call| self.plain(call)).collect()
    }

    /// The answers of launchctl to come count from here.
    pub fn forget_calls(&self) {
        self.launchd.remove("calls");
    }

    /// launchctl, by hand.
    pub fn launchctl(&self, words: &[&str]) -> Option<i32> {
        let mut command = self.world.command(self.world.path("bin/launchctl"));
        command.args(words).env("FAKE_STATE", self.launchd.path("")).stderr(Stdio::null());
        command.status().unwrap().code()
    }

    /// The target of the job in a domain, `gui` or `user`.
    pub fn job(&self, domain: &str) -> String {
        format!("{domain}/{}/dev.ductor", fakes::launchd::uid())
    }

    pub fn is_loaded(&self, domain: &str) -> bool {
        fakes::launchd::Job::read(&self.launchd, &self.job(domain)).is_some()
    }

    /// A text with what differs from run to run named: the user's home and id.
    fn plain(&self, text: &str) -> String {
        let uid = fakes::launchd::uid();
        text.replace(self.world.path("").to_str().unwrap().trim_end_matches('/'), "~")
            .replace(&format!("gui/{uid}"), "gui/UID")
            .replace(&format!("user/{uid}"), "user/UID")
    }
}

impl Drop for Mac {
    /// launchd ends its jobs before the world ends everything else.
    fn drop(&mut self) {
        for domain in ["gui", "user"] {
            fakes::launchd::end(&self.launchd, &self.job(domain));
        }
    }
}

fn is_change(call: &str) -> bool {
    !["print", "print-disabled", "list", "version"].contains(&call.split(' ').next().unwrap())
}
