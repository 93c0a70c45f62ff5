//! The programs for Windows, under Wine: the host with its job, its events and its lock, and what people see. Wine
//! runs no task, so the Task Scheduler of a whole service is our model of it (`tests/fakes`), run there as well.
//!
//! What Wine can't show is in `tests/on-windows.ps1`, which a person with Windows runs.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ductor::service::render::task_xml;
use serde_json::Value;
use xtask::lab::wine::seen_from_inside;
use xtask::lab::{Output, Wine, wait_for};
use xtask::test::in_lab::WINDOWS;

use crate::world::PATIENCE;

crate::tests![
    people_see_what_they_see_elsewhere,
    ductorw_has_no_window_and_ductor_has_a_console,
    a_bot_that_asks_for_it_is_back_at_once,
    a_bot_that_is_killed_is_back_and_what_it_started_is_gone,
    a_bot_with_a_console_is_told_to_end_and_nobody_outlives_a_stop,
    a_host_that_is_killed_takes_its_tree_along,
    a_second_host_refuses_and_names_the_first,
    a_lock_that_is_taken_away_is_locked_anew,
    without_a_window_pythonw_runs_the_bot,
    without_a_window_everything_that_is_said_is_kept,
    the_task_is_one_that_the_schtasks_of_wine_takes,
    a_service_lives_from_its_installation_to_its_removal,
];

/// A Windows where a bot can be run.
pub struct World {
    pub wine: Wine,
    pub programs: PathBuf,
}

/// A host that was started in it, as this computer sees it.
struct Running(Child);

impl World {
    pub fn new() -> Result<Self> {
        let programs = PathBuf::from(std::env::var_os(WINDOWS).context(WINDOWS)?);
        let world = Self { wine: Wine::new()?, programs };
        fs::create_dir_all(world.wine.path("world"))?;
        Ok(world)
    }

    fn program(&self, name: &str) -> Command {
        let bot = seen_from_inside(&self.programs.join("bot.exe"));
        let mut command = self.wine.command(self.programs.join(format!("{name}.exe")));
        command.env("DUCTOR_BOT", format!(r"{bot} C:\world"));
        command
    }

    fn ductor(&self, words: &[&str]) -> Result<Output> {
        self.wine.run(self.program("ductor").args(words))
    }

    /// Starts the host as the Task Scheduler does; its first bot runs when this returns.
    fn host(&self) -> Result<Running> {
        let running = Running(self.program("ductorw").spawn()?);
        self.noted("start", 1)?;
        wait_for("its state", PATIENCE, || Ok(self.state()?["bot"].is_object().then_some(())))?;
        Ok(running)
    }

    /// What the bots noted that begins with this word, when there is so much of it: their pids.
    pub fn noted(&self, word: &str, count: usize) -> Result<Vec<String>> {
        wait_for(&format!("{word} {count}"), PATIENCE, || {
            let notes = fs::read_to_string(self.wine.path("world/events")).unwrap_or_default();
            let pids: Vec<_> =
                notes.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect();
            Ok((pids.len() >= count).then(|| pids.iter().map(ToString::to_string).collect()))
        })
    }

    fn end_bot(&self, code: i32) -> Result<()> {
        let (new, end) = (self.wine.path("world/end.new"), self.wine.path("world/end"));
        fs::write(&new, code.to_string())?;
        Ok(fs::rename(new, end)?)
    }

    /// Ends a process without asking it.
    fn kill(&self, pid: &str) -> Result<()> {
        let kill = [r"C:\world", "kill", pid];
        self.wine.run(self.wine.command(self.programs.join("bot.exe")).args(kill))?.ended(0).map(drop)
    }

    /// Copies a program of ours into it.
    pub fn put(&self, program: &str, to: &str) -> Result<()> {
        let to = self.wine.path(to);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(self.programs.join(program), to).with_context(|| format!("copy {program}")).map(drop)
    }

    /// Makes the folder of a Task Scheduler, and a bot.
    pub fn prepare(&self) -> Result<()> {
        self.put("bot.exe", "world/bot.exe")?;
        fs::create_dir(self.wine.path("scheduler"))?;
        Ok(fs::write(self.wine.path("scheduler/environment"), ENVIRONMENT)?)
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.wine.path("users/root/.ductor").join(name)
    }

    fn state(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(self.home("host.json")).unwrap_or_default()).unwrap_or_default())
    }

    /// Waits until the host says so: it writes down what happened after a new bot has begun.
    fn says(&self, so: impl Fn(&Value) -> bool) -> Result<()> {
        wait_for("what the host says", PATIENCE, || {
            let state = self.state()?;
            ensure!(so(&state), "{state:#}");
            Ok(Some(()))
        })
    }

    /// How many bots and children of bots run: two for each bot.
    pub fn are_left(&self, count: usize) -> Result<()> {
        wait_for(&format!("{count} processes of bots"), PATIENCE, || {
            let left = self.wine.processes("bot.exe")?;
            ensure!(left.len() == count, "{left:?}");
            Ok(Some(()))
        })
    }
}

impl Running {
    /// Its exit code, once it has ended.
    fn end(mut self) -> Result<i32> {
        wait_for("the end of the host", PATIENCE, || Ok(self.0.try_wait()?))?.code().context("no code")
    }
}

fn people_see_what_they_see_elsewhere() -> Result<()> {
    let world = World::new()?;
    let version = world.ductor(&["--version"])?.ok()?;
    assert_eq!(version, concat!("ductor ", env!("CARGO_PKG_VERSION")));
    let help = world.ductor(&["help"])?.ok()?;
    assert!(help.starts_with("ductor keeps your bot always on"), "{help}");
    let task = world.ductor(&["service", "render"])?.ok()?;
    let twin = seen_from_inside(&world.programs.join("ductorw.exe"));
    assert!(task.contains(&format!("<Command>{twin}</Command>")), "{task}");
    let unit = world.ductor(&["service", "render", "--manager", "systemd"])?.ok()?;
    assert!(unit.contains("\n[Service]\n"), "{unit}");
    let bot = world.ductor(&["bot", "path"])?.ok()?;
    assert!(bot.ends_with(r"\bot.exe C:\world"), "{bot}");
    let wrong = world.ductor(&["servce"])?.ended(2)?;
    assert!(wrong.stderr.ends_with("\\ductor.exe service\n"), "it is not on PATH: {wrong}");
    Ok(())
}

/// The field `Subsystem` of the optional header (Microsoft, "PE Format"): 2 is a program with windows, 3 one with a
/// console.
fn ductorw_has_no_window_and_ductor_has_a_console() -> Result<()> {
    let world = World::new()?;
    for (name, expected) in [("ductorw", 2), ("ductor", 3)] {
        let program = fs::read(world.programs.join(format!("{name}.exe")))?;
        let header = u32::from_le_bytes(program[0x3c..0x40].try_into()?) as usize;
        assert_eq!(&program[header..header + 4], b"PE\0\0");
        let subsystem = u16::from_le_bytes(program[header + 24 + 68..][..2].try_into()?);
        assert_eq!(subsystem, expected, "{name}");
    }
    Ok(())
}

fn a_bot_that_asks_for_it_is_back_at_once() -> Result<()> {
    let world = World::new()?;
    let host = world.host()?;
    // The best of three: other work on this computer only ever makes it slower.
    let mut best = Duration::MAX;
    for round in 1..=3 {
        let asked = Instant::now();
        world.end_bot(42)?;
        world.noted("start", round + 1)?;
        best = best.min(asked.elapsed());
        world.are_left(2)?;
        world.says(|state| state["last_exit"]["code"] == 42 && state["restarts"] == 0)?;
    }
    assert!(best < Duration::from_secs(2), "{best:?}"); // the ladder's first step

    world.ductor(&["restart"])?.ended(0)?;
    world.noted("start", 5)?;
    world.are_left(2)?;
    world.says(|state| state["restarts"] == 0)?;

    world.end_bot(0)?;
    assert_eq!(host.end()?, 0);
    world.are_left(0)
}

fn a_bot_that_is_killed_is_back_and_what_it_started_is_gone() -> Result<()> {
    let world = World::new()?;
    let _host = world.host()?;
    world.kill(&world.noted("start", 1)?[0])?;
    world.noted("start", 2)?;
    world.are_left(2)?;
    world.says(|state| state["restarts"] == 1)?;
    assert_eq!(world.ductor(&["status", "--json"])?.code, 0);
    Ok(())
}

fn a_bot_with_a_console_is_told_to_end_and_nobody_outlives_a_stop() -> Result<()> {
    let world = World::new()?;
    let host = world.host()?;
    world.are_left(2)?;
    let stop = world.ductor(&["stop"])?.ended(0)?;
    assert!(stop.stdout.starts_with("stopped the bot and its host (pid "), "{stop}");
    assert_eq!(host.end()?, 0);
    assert_eq!(world.noted("told", 1)?, world.noted("start", 1)?);
    world.are_left(0)?;
    assert_eq!(world.state()?["ended"], "stopped");
    assert_eq!(world.ductor(&["stop"])?.ok()?, "nothing runs");
    Ok(())
}

fn a_host_that_is_killed_takes_its_tree_along() -> Result<()> {
    let world = World::new()?;
    let _host = world.host()?;
    world.noted("orphan", 1)?;
    world.kill(&world.state()?["process"]["pid"].to_string())?;
    world.are_left(0)?;
    assert_eq!(world.ductor(&["stop"])?.ok()?, "nothing runs", "the lock went with it");
    let _next = world.program("ductorw").spawn()?;
    world.noted("start", 2).map(drop)
}

fn a_second_host_refuses_and_names_the_first() -> Result<()> {
    let world = World::new()?;
    let first = world.host()?;
    let pid = world.state()?["process"]["pid"].to_string();
    let second = world.ductor(&["run"])?.ended(1)?;
    assert!(second.stderr.contains(&format!("it runs already, as the service (host pid {pid})")), "{second}");
    let _third = world.program("ductorw").args(["run", "--takeover"]).spawn()?;
    assert_eq!(first.end()?, 0);
    world.noted("start", 2)?;
    world.are_left(2)
}

fn a_lock_that_is_taken_away_is_locked_anew() -> Result<()> {
    let world = World::new()?;
    let _host = world.host()?;
    // Before Windows 10, and in Wine, the name of a file that is deleted stays until nobody has it open.
    let take_away = r"ren C:\users\root\.ductor\host.lock taken";
    world.wine.run(world.wine.command("cmd").args(["/c", take_away]))?.ended(0)?;
    wait_for("a new file", PATIENCE, || Ok(world.home("host.lock").exists().then_some(())))?;
    let second = world.ductor(&["run"])?.ended(1)?;
    assert!(second.stderr.contains("it runs already"), "{second}");
    assert_eq!(world.noted("start", 1)?.len(), 1);
    Ok(())
}

/// An environment as `python -m venv` makes it, whose two programs are our bot.
fn without_a_window_pythonw_runs_the_bot() -> Result<()> {
    let world = World::new()?;
    let scripts = world.wine.path("users/root/AppData/Local/ductor/bot/1/Scripts");
    let site = scripts.with_file_name("Lib").join("site-packages");
    fs::create_dir_all(site.join("ductor_bot"))?;
    fs::create_dir_all(&scripts)?;
    fs::write(site.join("ductor_bot/__main__.py"), "")?;
    fs::write(scripts.with_file_name("pyvenv.cfg"), "version = 3.12.1\n")?;
    fs::write(scripts.join("../../current"), "1\n")?;
    for name in ["python.exe", "pythonw.exe"] {
        fs::copy(world.programs.join("bot.exe"), scripts.join(name))?;
    }
    let config = r#"{"telegram_token": "1:a", "allowed_user_ids": [4711]}"#;
    fs::create_dir_all(world.home("config"))?;
    fs::write(world.home("config/config.json"), config)?;

    for (host, python) in [("ductorw", "pythonw.exe"), ("ductor", "python.exe")] {
        let mut host = world.program(host);
        host.env_remove("DUCTOR_BOT").env("BOT_FOLDER", r"C:\world");
        let host = Running(host.spawn()?);
        let command = wait_for("its bot", PATIENCE, || {
            let command = world.state()?["bot"]["command"].clone();
            Ok(command.is_array().then_some(command))
        })?;
        let python = format!(r"C:\users\root\AppData\Local\ductor\bot\1\Scripts\{python}");
        assert_eq!(command, serde_json::json!([python, "-P", "-m", "ductor_bot"]));
        world.ductor(&["stop"])?.ended(0)?;
        host.end()?;
    }
    Ok(())
}

fn without_a_window_everything_that_is_said_is_kept() -> Result<()> {
    let world = World::new()?;
    let host = world.host()?;
    let first = &world.noted("start", 1)?[0];
    world.end_bot(3)?;
    let second = &world.noted("start", 2)?[1];
    let out = || fs::read_to_string(world.home("logs/service.log")).unwrap_or_default();
    let hello = format!("the bot {second} says hello\n"); // some time after its start
    wait_for(&hello, PATIENCE, || Ok(out().contains(&hello).then_some(())))?;
    world.ductor(&["stop"])?.ended(0)?;
    host.end()?;
    let out = out();
    assert_eq!(out, format!("the bot {first} says hello\n{hello}"));
    let err = fs::read_to_string(world.home("logs/service.err"))?;
    assert_eq!(err, "the bot ended with code 3; it is started again in 2 s\n");
    let logs = world.ductor(&["service", "logs", "--no-follow"])?.ok()?;
    assert!(logs.contains(out.trim_end()) && logs.contains(err.trim_end()), "{logs}");
    Ok(())
}

/// Wine's own makes the task where it is UTF-16 with its mark, in the right namespace, and looks no further.
fn the_task_is_one_that_the_schtasks_of_wine_takes() -> Result<()> {
    let world = World::new()?;
    let text = world.ductor(&["service", "render"])?.ok()?;
    fs::write(world.wine.path("world/task.xml"), task_xml::utf16(&text))?;
    let schtasks = |words: &[&str]| world.wine.run(world.wine.command("schtasks").args(words));
    schtasks(&["/create", "/tn", "ductor", "/xml", r"C:\world\task.xml"])?.ended(0)?;
    let task = world.wine.path("windows/system32/tasks/ductor");
    assert!(task.is_file());
    schtasks(&["/delete", "/tn", "ductor", "/f"])?.ended(0)?;
    assert!(!task.exists());
    Ok(())
}

/// The folder of a user's programs, where Windows looks first for `schtasks.exe` and `whoami.exe`.
fn a_service_lives_from_its_installation_to_its_removal() -> Result<()> {
    let world = World::new()?;
    world.prepare()?;
    world.put("ductor.exe", "programs/ductor.exe")?;
    world.put("ductorw.exe", "programs/ductorw.exe")?;
    world.put("fakes.exe", "programs/schtasks.exe")?;
    world.put("fakes.exe", "programs/whoami.exe")?;
    let service = |words: &[&str]| {
        let mut ductor = world.wine.command(r"C:\programs\ductor.exe");
        ductor.env("FAKE_STATE", r"C:\scheduler").arg("service").args(words);
        world.wine.run(&ductor)
    };
    let status = || -> Result<Value> { Ok(serde_json::from_str(&service(&["status", "--json"])?.stdout)?) };

    service(&["install", "--bot", r"C:\world\bot.exe C:\world"])?.ended(0)?;
    let said = status()?;
    assert_eq!((&said["state"], &said["owner"]), (&"running".into(), &"service".into()), "{said:#}");
    assert!(!world.home("ductor_task.xml").exists());
    service(&["install"])?.ended(0)?;
    assert_eq!(world.noted("start", 1)?.len(), 1, "again changes nothing");

    world.kill(&said["bot_pid"].to_string())?;
    world.noted("start", 2)?;
    assert_eq!(status()?["pid"], said["pid"], "the host brings it back, not the scheduler");

    service(&["restart"])?.ended(0)?;
    world.noted("start", 3)?;
    service(&["stop"])?.ended(0)?;
    world.are_left(0)?;
    assert_eq!(status()?["state"], "stopped");
    service(&["start"])?.ended(0)?;
    world.noted("start", 4)?;
    service(&["uninstall"])?.ended(0)?;
    world.are_left(0)?;
    assert!(!world.wine.path("scheduler/tasks/ductor").exists());
    service(&["status"])?.ended(4).map(drop)
}

/// What the scheduler gives a task: the environment of its user.
const ENVIRONMENT: &str = r"SystemRoot=C:\windows
USERPROFILE=C:\users\root
TEMP=C:\users\root\Temp
PATH=C:\windows\system32;C:\windows
";
