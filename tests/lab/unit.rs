//! The rendered unit, judged by systemd's own parser: what it understands is what the definition says.
//!
//! Ten thousand definitions with unpleasant paths and values go into the user manager, many at once, and come
//! back as `systemd-analyze dump` tells them. A few hundred are started, and tell what really reached them.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ductor::home::Home;
use ductor::service::render::unit::{render, render_drop_in};
use ductor::service::{Chosen, ServiceDefinition};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use xtask::lab::image::{BOOKWORM, SERVER, TRIXIE};
use xtask::lab::{Image, Machine, wait_for};

crate::tests![
    systemd_252_understands_every_unit_as_meant,
    systemd_257_understands_every_unit_as_meant,
    what_a_unit_names_is_what_is_run,
    verify_is_silent,
];

/// As systemd 252 and 257 share ten thousand.
const UNITS: usize = 5_000;
/// So many are loaded at once.
const BATCH: usize = 500;
/// Started for real: a process each.
const STARTED: usize = 200;

fn systemd_252_understands_every_unit_as_meant() -> Result<()> {
    understands_every_unit_as_meant(&SERVER)
}

fn systemd_257_understands_every_unit_as_meant() -> Result<()> {
    understands_every_unit_as_meant(&TRIXIE)
}

fn understands_every_unit_as_meant(image: &Image) -> Result<()> {
    let machine = Machine::boot(image)?;
    let _logged_in = machine.login("alice")?;
    for _ in 0..UNITS / BATCH {
        let cases = generate(case(), BATCH)?;
        let units = Units::write(&machine, &cases.iter().map(Case::unit).collect::<Result<Vec<_>>>()?)?;
        let wrong: Vec<String> = cases
            .iter()
            .zip(units.understood()?)
            .filter_map(|(case, understood)| {
                case.judge(&understood).err().map(|why| format!("{why:#}\n{case:#?}"))
            })
            .collect();
        if let Some(shortest) = wrong.iter().min_by_key(|why| why.len()) {
            bail!("{} of {BATCH} units are not understood as meant, such as: {shortest}", wrong.len());
        }
    }
    Ok(())
}

fn what_a_unit_names_is_what_is_run() -> Result<()> {
    let machine = Machine::boot(&SERVER)?;
    let _logged_in = machine.login("alice")?;
    let mut cases = generate(case(), STARTED)?;
    for (number, case) in cases.iter_mut().enumerate() {
        case.packaged = false;
        case.program =
            Path::new("/home/alice/run").join(number.to_string()).join(case.program.strip_prefix("/")?);
        // The name of the program is what it was called by; what it was given is beside it.
        write_program(
            &machine,
            &case.program,
            "cat /proc/$$/environ >\"$0.tmp\" && mv \"$0.tmp\" \"$0.given\"",
        )?;
    }
    let units = Units::write(&machine, &cases.iter().map(Case::unit).collect::<Result<Vec<_>>>()?)?;
    units.start()?;
    for case in &cases {
        let given = machine.path(&format!("{}.given", case.program.display()));
        wait_for(&format!("the start of {}", case.program.display()), Duration::from_secs(30), || {
            Ok(given.exists().then_some(()))
        })
        .with_context(|| case.unit().map(|unit| unit.text).unwrap_or_default())?;
        let given = String::from_utf8(fs::read(given)?)?;
        let given: Vec<&str> = given.split_terminator('\0').collect();
        for expected in case.environment()? {
            ensure!(given.contains(&expected.as_str()), "{expected:?} is missing in {given:?}");
        }
    }
    Ok(())
}

fn verify_is_silent() -> Result<()> {
    let places = ["/home/alice", "/home/o'brien x%h$y", "/home/日本 é"];
    for image in [&BOOKWORM, &TRIXIE] {
        let machine = Machine::boot(image)?;
        write_program(&machine, Path::new("/usr/bin/ductor"), "")?;
        let packaged = render(&ServiceDefinition::packaged("/usr/bin/ductor"))?;
        let mut units = vec![packaged];
        for place in places {
            let program = Path::new(place).join("bin/ductor");
            write_program(&machine, &program, "")?;
            let home = Home::of(place.into(), Some(format!("{place}/bot's").into()))?;
            units.push(render(&ServiceDefinition::for_user(
                program,
                &home,
                Some("python3 -m 'a b' %n".into()),
            ))?);
        }
        for unit in units {
            fs::write(machine.path("/home/alice/ductor.service"), &unit)?;
            let verify = ["systemd-analyze", "--user", "verify", "--man=no", "/home/alice/ductor.service"];
            let verified = machine.run("alice", &verify)?.ended(0)?;
            assert_eq!(
                (verified.stdout.as_str(), verified.stderr.as_str()),
                ("", ""),
                "{}:\n{unit}",
                image.name
            );
        }
    }
    Ok(())
}

/// A service somebody could ask for.
#[derive(Clone, Debug)]
struct Case {
    program: PathBuf,
    home: PathBuf,
    ductor_home: Option<PathBuf>,
    bot: Option<String>,
    /// The packaged unit with a drop-in for what the user chose, instead of a unit of the user.
    packaged: bool,
}

/// What is in a unit folder for one case.
struct Unit {
    text: String,
    drop_in: Option<String>,
}

impl Case {
    fn definition(&self) -> Result<ServiceDefinition> {
        if self.packaged {
            let chosen =
                Chosen { ductor_home: self.ductor_home.clone(), bot: self.bot.clone(), direct: None };
            return Ok(ServiceDefinition { chosen, ..ServiceDefinition::packaged("/usr/bin/ductor") });
        }
        let home = Home::of(self.home.clone(), self.ductor_home.clone().map(Into::into))?;
        Ok(ServiceDefinition::for_user(&self.program, &home, self.bot.clone()))
    }

    fn unit(&self) -> Result<Unit> {
        let definition = self.definition()?;
        let drop_in = if self.packaged { render_drop_in(&definition.chosen)? } else { None };
        let bare = if self.packaged { ServiceDefinition::packaged("/usr/bin/ductor") } else { definition };
        Ok(Unit { text: render(&bare)?, drop_in })
    }

    /// The variables that the host shall be given.
    fn environment(&self) -> Result<Vec<String>> {
        let home = if self.packaged { Path::new("/home/alice") } else { &self.home };
        let variables = self.definition()?.environment(home);
        Ok(variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    fn judge(&self, understood: &Understood) -> Result<()> {
        let program =
            if self.packaged { "/usr/bin/ductor".into() } else { self.program.display().to_string() };
        // In arguments, unlike in the first word, a `$` is doubled until the start.
        let through_shell = ["/bin/sh", "-c", "exec \"$$0\"", &program.replace('$', "$$")];
        let command = &understood.command;
        ensure!(*command == [program.clone()] || *command == through_shell, "it runs {command:?}");
        ensure!(understood.environment == self.environment()?, "it gives {:?}", understood.environment);
        ensure!(understood.state == "loaded", "it is {}", understood.state);
        ensure!(understood.folder == "/home/alice", "it runs in {:?}", understood.folder);
        if !self.packaged {
            let condition = understood.executable.as_ref().unwrap_or(&program);
            ensure!(*condition == program, "it looks for {condition:?}");
        }
        Ok(())
    }
}

/// Pieces that mean something to systemd, to a shell or to nobody, alone and beside each other.
const PIECES: &[&str] = &[
    "a", "Z", "0", " ", "  ", "%", "%%", "%h", "%n", "%{", "$", "$$", "$HOME", "${HOME}", "\"", "'", "\\",
    "\\\\", "\\n", "\\x41", "\\s", "=", ":", ";", " ; ", "#", "@", "-", "+", "!", "|", "&", "*", "?", "~",
    "[", "]", "{", "}", "(", ")", "<", ">", ",", ".x", "é", "e\u{301}", "日本", "🦀", "\u{a0}", "\u{200b}",
    "\u{2028}", "\u{feff}",
];

fn text() -> impl Strategy<Value = String> {
    vec(select(PIECES), 1..8).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = PathBuf> {
    vec(text(), 1..4).prop_map(|names| format!("/{}", names.join("/")).into())
}

fn case() -> impl Strategy<Value = Case> {
    (path(), path(), option::of(path()), option::of(text()), any::<bool>()).prop_map(
        |(program, home, ductor_home, bot, packaged)| Case { program, home, ductor_home, bot, packaged },
    )
}

fn generate<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Result<Vec<T>> {
    let mut runner = TestRunner::new(Config::default());
    let value = || Ok(strategy.new_tree(&mut runner).map_err(anyhow::Error::msg)?.current());
    std::iter::repeat_with(value).take(count).collect()
}

fn write_program(machine: &Machine, path: &Path, script: &str) -> Result<()> {
    let file = machine.path(&path.display().to_string());
    fs::create_dir_all(file.parent().context("a program stands in a folder")?)?;
    fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    machine.run("root", &["chown", "-R", "alice:alice", "/home/alice"])?.ok()?;
    Ok(())
}

/// Units in the folder of alice, called `case-0.service` and so on.
struct Units<'a> {
    machine: &'a Machine,
    count: usize,
}

/// A unit as its manager tells it.
#[derive(Debug, Default)]
struct Understood {
    state: String,
    command: Vec<String>,
    environment: Vec<String>,
    folder: String,
    executable: Option<String>,
}

impl<'a> Units<'a> {
    fn write(machine: &'a Machine, units: &[Unit]) -> Result<Self> {
        let folder = machine.path("/home/alice/.config/systemd/user");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (number, unit) in units.iter().enumerate() {
            fs::write(folder.join(format!("case-{number}.service")), &unit.text)?;
            if let Some(text) = &unit.drop_in {
                let beside = folder.join(format!("case-{number}.service.d"));
                fs::create_dir(&beside)?;
                fs::write(beside.join("ductor.conf"), text)?;
            }
        }
        let units = Self { machine, count: units.len() };
        // A unit is loaded, and stays so, while one that is active wants it.
        let wanting = folder.join("cases.target");
        fs::write(&wanting, "[Unit]\n")?;
        let systemctl = ["systemctl", "--user"];
        machine.run("alice", &[&systemctl[..], &["daemon-reload"]].concat())?.ok()?;
        machine.run("alice", &[&systemctl[..], &["start", "cases.target"]].concat())?.ok()?;
        fs::write(&wanting, format!("[Unit]\nWants={}\n", units.names().join(" ")))?;
        machine.run("alice", &[&systemctl[..], &["daemon-reload"]].concat())?.ok()?;
        Ok(units)
    }

    fn names(&self) -> Vec<String> {
        (0..self.count).map(|number| format!("case-{number}.service")).collect()
    }

    fn start(&self) -> Result<()> {
        let names = self.names();
        let start = ["systemctl", "--user", "start"].into_iter().chain(names.iter().map(String::as_str));
        self.machine.run("alice", &start.collect::<Vec<_>>())?.ok().map(drop)
    }

    fn understood(&self) -> Result<Vec<Understood>> {
        let dump =
            self.machine.run("alice", &["systemd-analyze", "--user", "dump", "case-*.service"])?.ok()?;
        let dump = dump.replace("→ ", "-> "); // as 257 has it
        let units: HashMap<&str, &str> =
            dump.split("-> Unit ").filter_map(|unit| unit.split_once(":\n")).collect();
        let told =
            |name: String| Understood::read(units.get(name.as_str()).with_context(|| format!("no {name}"))?);
        self.names().into_iter().map(told).collect()
    }
}

impl Understood {
    fn read(dump: &str) -> Result<Self> {
        let mut understood = Self::default();
        for line in dump.lines() {
            let Some((name, value)) = line.trim_start_matches('\t').split_once(": ") else { continue };
            match name {
                "Unit Load State" => understood.state = value.into(),
                "Command Line" => understood.command = shell_words::split(value)?,
                "Environment" => understood.environment.push(value.into()),
                "WorkingDirectory" => understood.folder = value.into(),
                "ConditionFileIsExecutable" => {
                    let (path, _result) = value.rsplit_once(' ').context("a condition has a result")?;
                    understood.executable = Some(path.into());
                }
                _ => {}
            }
        }
        Ok(understood)
    }
}
