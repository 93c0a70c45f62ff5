//! A *machine* with a Task Scheduler, that is, with the model of one: a small world in which `ductor` finds
//! `schtasks.exe` and `whoami.exe`, and in which the scheduler starts the real host.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fakes::state::State;
use serde_json::Value;

use crate::fakes as programs;
use crate::world::{BOT, Said, World};

pub struct Machine {
    pub world: World,
    pub state: State,
}

impl Machine {
    pub fn new() -> Self {
        Self::with_bot(BOT)
    }

    pub fn with_bot(bot: &str) -> Self {
        let world = World::new(bot);
        let bin = world.path("bin");
        programs::put(&bin, &["schtasks.exe", "whoami.exe"]);
        programs::put_ductor(&bin, "ductor");
        programs::put_ductor(&bin, "ductorw");
        let state = State::at(world.path("machine"));
        fs::create_dir(state.path("")).unwrap();
        let machine = Self { world, state };
        let home = machine.world.path("").display().to_string();
        let home = home.trim_end_matches('/');
        machine.set("environment", &format!("HOME={home}\nWORLD={home}\nPATH={home}/bin:/usr/bin:/bin"));
        machine
    }

    /// Changes a setting of the machine.
    pub fn set(&self, name: &str, value: &str) {
        self.state.set(name, value).unwrap();
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.world.command(self.world.path("bin/ductor"));
        let path = format!("{}:/usr/bin:/bin", self.world.path("bin").display());
        command.env_remove("DUCTOR_BOT").env("PATH", path).env("LANG", "C.UTF-8");
        command.env("DUCTOR_MANAGER", "task-scheduler").env("FAKE_STATE", self.state.path(""));
        command.args(words);
        command
    }

    pub fn ductor(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }

    /// `ductor service WORDS`.
    pub fn service(&self, words: &[&str]) -> Said {
        self.ductor(&[&["service"], words].concat())
    }

    /// `ductor service install` with the bot of this world.
    pub fn install(&self, words: &[&str]) -> Said {
        let bot = self.world.path("bot").display().to_string();
        self.service(&[&["install", "--bot", &bot], words].concat())
    }

    pub fn status(&self) -> Value {
        self.service(&["status", "--json"]).json()
    }

    /// One file of a stored task.
    pub fn task(&self, name: &str, file: &str) -> String {
        self.state.get(&format!("tasks/{name}/{file}")).unwrap_or_default()
    }

    pub fn tasks(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state.path("tasks")).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The calls that were made since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.state.get("calls").unwrap_or_default();
        self.state.remove("calls");
        calls.lines().map(ToOwned::to_owned).collect()
    }

    /// The same with the scheduler itself, as an administrator or a person would.
    pub fn schtasks(&self, words: &[&str]) -> Said {
        let mut command = self.world.command(self.world.path("bin/schtasks.exe"));
        Said::of(command.env("FAKE_STATE", self.state.path("")).args(words))
    }

    /// Has the scheduler a task with this definition, which an administrator made for `owner`.
    pub fn has_task(&self, name: &str, definition: &str) {
        let file = self.world.path("task.xml");
        fs::write(&file, ductor::service::render::task_xml::utf16(definition)).unwrap();
        self.set("elevated", "");
        self.schtasks(&["/Create", "/TN", name, "/XML", &file.display().to_string(), "/F"]).ok();
        self.state.remove("elevated");
        fs::remove_file(file).unwrap();
        self.calls();
    }

    /// The files of the user, the tasks, and whether a host runs: what an installation that failed leaves as it was.
    pub fn everything(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for name in self.tasks() {
            all.insert(format!("task {name}"), self.task(&name, "definition.xml"));
        }
        for folder in ["", ".ductor"] {
            let entries = fs::read_dir(self.world.path(folder)).into_iter().flatten().flatten();
            for entry in entries {
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                let is_note =
                    ["host.json", "host.lock", "logs", "bots", "told"].iter().any(|it| name.ends_with(it));
                if !is_note {
                    all.insert(name, String::new());
                }
            }
        }
        let running = ductor::internals::holder(&self.home()).is_some();
        all.insert("running".into(), running.to_string());
        all
    }

    pub fn home(&self) -> ductor::home::Home {
        let user: PathBuf = self.world.path("").components().collect();
        ductor::home::Home::of(user, None).unwrap()
    }
}
