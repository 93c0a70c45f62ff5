//! The service under systemd, on any Unix: the real `ductor` against the fake `systemctl`, `loginctl` and `journalctl`,
//! which really start the host. What the fakes know of systemd, and from where, stands in `tests/fakes/src/systemctl.rs`;
//! the lab asks systemd itself.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod access;
mod definitions;
mod drop_ins;
mod hosts;
mod verbs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fakes::state::State;
use serde_json::Value;

use crate::world::{BOT, Said, World, problems_of};

/// A user of Linux, logged in, with a bot.
pub struct Linux {
    pub world: World,
    pub machine: State,
    _machine: tempfile::TempDir,
}

impl Linux {
    pub fn new() -> Self {
        Self::with(BOT)
    }

    /// With this bot, as in [`World::new`].
    pub fn with(bot: &str) -> Self {
        let (world, folder) = (World::new(bot), tempfile::tempdir().unwrap());
        let machine = State::at(folder.path());
        let home: PathBuf = world.path("").components().collect();
        machine.set("home", &home.display().to_string()).unwrap();
        machine.set("environment", &format!("WORLD={}", world.path("").display())).unwrap();
        machine.set("restart-ms", "50").unwrap();
        fs::create_dir_all(machine.path("root/run/systemd/system")).unwrap();
        crate::fakes::put(&world.path("bin"), &["systemctl", "loginctl", "journalctl", "sudo"]);
        crate::fakes::link_ductor(&world.path("bin"));
        let linux = Self { world, machine, _machine: folder };
        linux.log_in();
        linux
    }

    /// With the service installed, and up.
    pub fn installed() -> Self {
        let linux = Self::new();
        linux.install(&[]).ended(0);
        linux
    }

    /// With the package that brings a unit for everybody, enabled.
    pub fn with_package() -> Self {
        let linux = Self::new();
        linux.package();
        linux
    }

    pub fn package(&self) {
        let program = env!("CARGO_BIN_EXE_ductor");
        let packaged = ductor::service::ServiceDefinition::packaged(program);
        let unit = self.packaged();
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        fs::write(&unit, ductor::service::render::unit::render(&packaged).unwrap()).unwrap();
        let link = self.root("etc/systemd/user/default.target.wants/ductor.service");
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&unit, link).unwrap();
    }

    /// The manager of the user runs from the first session to the last.
    pub fn log_in(&self) {
        self.machine.set("session", "").unwrap();
        fs::create_dir_all(self.runtime().join("systemd/private")).unwrap();
    }

    /// The user has no session, and so no manager.
    pub fn log_out(&self) {
        self.machine.remove("session");
        fs::remove_dir_all(self.runtime()).unwrap();
    }

    /// The folder that a session has.
    pub fn runtime(&self) -> PathBuf {
        fakes::logind::runtime_folder(&self.machine)
    }

    /// A file of the machine.
    pub fn root(&self, path: &str) -> PathBuf {
        self.machine.path("root").join(path)
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.on_this_machine(env!("CARGO_BIN_EXE_ductor").as_ref(), words)
    }

    fn on_this_machine(&self, program: &Path, words: &[&str]) -> Command {
        let path = format!("{}:/usr/bin:/bin", self.world.path("bin").display());
        let mut command = self.world.command(program);
        command.args(words).env("PATH", path).env("LANG", "C.UTF-8").env_remove("DUCTOR_BOT");
        command.env("DUCTOR_MANAGER", "systemd").env("FAKE_STATE", self.machine.path(""));
        command.env("FAKE_ROOT", self.machine.path("root"));
        command
    }

    pub fn ductor(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }

    /// `ductor service install` with the bot of this world.
    pub fn install(&self, words: &[&str]) -> Said {
        let bot = self.world.path("bot");
        self.ductor(&[&["service", "install", "--bot", bot.to_str().unwrap()], words].concat())
    }

    /// `systemctl --user`, by hand.
    pub fn systemctl(&self, words: &[&str]) -> Option<i32> {
        let mut command = self.on_this_machine(&self.world.path("bin/systemctl"), words);
        command.env("XDG_RUNTIME_DIR", self.runtime()).stderr(Stdio::null()).status().unwrap().code()
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

    /// The user's own unit.
    pub fn unit(&self) -> PathBuf {
        self.world.path(".config/systemd/user/ductor.service")
    }

    pub fn drop_in(&self, name: &str) -> PathBuf {
        self.world.path(".config/systemd/user/ductor.service.d").join(name)
    }

    /// The package's unit.
    pub fn packaged(&self) -> PathBuf {
        self.root("usr/lib/systemd/user/ductor.service")
    }

    /// The name of the user.
    pub fn user(&self) -> String {
        Said::of(Command::new("id").arg("-un")).out.trim().to_owned()
    }

    /// Whether the user lingers.
    pub fn lingers(&self) -> bool {
        fs::read_dir(self.root("var/lib/systemd/linger")).is_ok_and(|mut users| users.next().is_some())
    }

    /// Puts a drop-in beside the unit, and has it read.
    pub fn add(&self, name: &str, text: &str) {
        fs::create_dir_all(self.drop_in("")).unwrap();
        fs::write(self.drop_in(name), text).unwrap();
        assert_eq!(self.systemctl(&["daemon-reload"]), Some(0));
    }

    /// Puts a unit where the user's own stands, and has it read.
    pub fn give(&self, text: &str) {
        fs::create_dir_all(self.unit().parent().unwrap()).unwrap();
        fs::write(self.unit(), text).unwrap();
        assert_eq!(self.systemctl(&["daemon-reload"]), Some(0));
    }

    /// The calls so far that are more than questions, without the name of the unit.
    pub fn changes(&self) -> Vec<String> {
        let calls = self.machine.get("calls").unwrap_or_default();
        let changes =
            calls.lines().filter(|call| !call.starts_with("journalctl") && !call.contains(" show "));
        changes.map(|call| call.trim_end_matches(" ductor.service").to_owned()).collect()
    }

    pub fn forget_calls(&self) {
        self.machine.remove("calls");
    }
}
