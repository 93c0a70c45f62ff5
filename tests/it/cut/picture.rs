//! A *picture* of what a command may change on a machine: the user's files, what the manager knows, what runs. Nothing in
//! it differs from run to run.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Machine;
use crate::world::SOON;

/// The world's own files, and what bots and hosts write.
const ASIDE: [&str; 8] =
    ["bin", "bot", "bots", "told", "launchd", "machine", ".ductor/logs", ".ductor/host.lock"];
/// Whoever runs a host has its folder.
const HOST: &str = "~/.ductor";
/// What a killed command may leave for the next one to sweep: a name of ours, or of what an upgrade fetches; and the
/// receipt that lists the files of both versions.
const UNFINISHED: [&str; 4] =
    ["/.ductor-", "/ductor_task.xml", ".local/share/ductor/upgrade", ".local/share/ductor/install.json"];

#[derive(Debug, PartialEq, Eq)]
pub struct Picture(BTreeMap<String, String>);

impl Picture {
    pub fn of(machine: &dyn Machine) -> Self {
        let mut picture = Self::files_of(machine);
        let (world, home) = (machine.world(), &home(machine));
        let root = machine.state().path("root").display().to_string();
        let mut status = machine.ductor(&["service", "status", "--json"]);
        let output = status.stderr(Stdio::null()).stdout(Stdio::piped()).output().unwrap();
        let mut status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let running = status["running"] == true;
        for changes in ["pid", "bot_pid", "since", "restarts", "last_exit"] {
            status.as_object_mut().unwrap().remove(changes);
        }
        let mut note = |key: &str, value: String| {
            // A task has the second of our names where the first could not be had.
            let value = value.replace(home, "~").replace(&root, "").replace("ductor-alice", "ductor");
            picture.0.insert(key.into(), value)
        };
        note("known", machine.known().join("\n"));
        note("bots", world.living_bots().to_string());
        if running {
            note("version", world.state()["version"].to_string());
        }
        for (key, value) in status.as_object().unwrap() {
            note(key, value.to_string());
        }
        picture
    }

    /// The files alone, which are there without asking anybody.
    pub fn files_of(machine: &dyn Machine) -> Self {
        let mut picture = Self(BTreeMap::new());
        picture.add(&home(machine), "~");
        picture
    }

    /// What is in a folder of the home.
    fn add(&mut self, home: &str, folder: &str) {
        let entries = fs::read_dir(folder.replacen('~', home, 1)).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let Ok(meta) = path.symlink_metadata() else { continue };
            let is_aside = ASIDE.iter().any(|aside| name == format!("~/{aside}"));
            // A host writes about itself, and what it is just writing.
            if is_aside || name.contains("host.json") || name.starts_with("~/.tmp") {
                continue;
            }
            let what = if meta.is_dir() {
                self.add(home, &name);
                "a folder".into()
            } else if meta.is_symlink() {
                format!("a link to {}", fs::read_link(&path).unwrap_or_default().display())
            } else {
                format!("{:o} {}", meta.permissions().mode(), content(&path))
            };
            if name != HOST {
                self.0.insert(name, what.replace(home, "~"));
            }
        }
    }

    /// The name of the manager.
    pub fn manager(&self) -> String {
        self.0["manager"].trim_matches('"').to_owned()
    }

    /// Every file is as in one of these, or is known to be unfinished by its name.
    pub fn is_whole(&self, before: &Self, after: &Self) {
        for (name, now) in &self.0 {
            let is_one = [before, after].iter().any(|it| it.0.get(name) == Some(now));
            let is_unfinished = UNFINISHED.iter().any(|part| name.contains(part));
            assert!(is_one || is_unfinished || now == "a folder", "{name} is half written: {now}");
        }
        for name in before.0.keys().filter(|name| name.starts_with('~')) {
            assert!(self.0.contains_key(name) || !after.0.contains_key(name), "{name} is gone");
        }
    }

    /// Waits until the machine is like this; what was ended may take a moment to run again.
    pub fn wait_for(&self, machine: &dyn Machine, told: &str) {
        Self::wait_for_one(&[self], machine, told);
    }

    /// The same with one of several.
    pub fn wait_for_one(these: &[&Self], machine: &dyn Machine, told: &str) {
        let deadline = Instant::now() + SOON;
        loop {
            let now = Self::of(machine);
            if these.iter().any(|it| **it == now) {
                return;
            }
            let differ = || these.iter().map(|it| it.difference(&now)).collect::<Vec<_>>().join("\nand\n");
            assert!(Instant::now() < deadline, "{}: {told}\n{}", now.manager(), differ());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn difference(&self, now: &Self) -> String {
        let keys = self.0.keys().chain(now.0.keys()).collect::<std::collections::BTreeSet<_>>();
        let differ = keys.into_iter().filter(|key| self.0.get(*key) != now.0.get(*key));
        differ.map(|key| format!("{key}: {:?}\n  is {:?}\n", self.0.get(key), now.0.get(key))).collect()
    }
}

fn home(machine: &dyn Machine) -> String {
    machine.world().path("").display().to_string().trim_end_matches('/').to_owned()
}

/// Text as it is; of programs a sum.
fn content(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    if bytes.len() < 64 * 1024 {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut sum = DefaultHasher::new();
    bytes.hash(&mut sum);
    format!("{} bytes, {:x}", bytes.len(), sum.finish())
}
