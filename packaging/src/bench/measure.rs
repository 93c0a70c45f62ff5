//! The watch: whole processes from their start to their end, all sides in each round.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Side;
use crate::lab::needs;

/// A side: a command, which must end with 0, or work of this process.
pub struct Runner<'a> {
    name: String,
    command: Command,
    /// What is done in the place of the command; it says how many bytes it made.
    work: Option<Box<dyn FnMut() -> Result<usize> + 'a>>,
    /// The file that the command makes.
    made: Option<PathBuf>,
    missing: Option<String>,
}

impl<'a> Runner<'a> {
    /// This command.
    pub fn new(name: impl Into<String>, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
        Self { name: name.into(), command, work: None, made: None, missing: None }
    }

    /// Work of this process.
    pub fn work(name: impl Into<String>, work: impl FnMut() -> Result<usize> + 'a) -> Self {
        Self { work: Some(Box::new(work)), ..Self::new(name, "true", &[]) }
    }

    /// The same, where it makes a file, whose size is noted.
    pub fn making(mut self, made: PathBuf) -> Self {
        self.made = Some(made);
        self
    }

    /// Runs it once: the seconds it took, and what is to be noted of it.
    fn run(&mut self) -> Result<(f64, Option<String>)> {
        let start = Instant::now();
        if let Some(work) = &mut self.work {
            let size = work()?;
            return Ok((start.elapsed().as_secs_f64(), (size > 0).then(|| format!("{size} bytes"))));
        }
        let output = self.command.output().with_context(|| format!("run {}", self.name))?;
        let took = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}: {}", self.name, output.status, said.trim());
        let size = self.made.as_ref().and_then(|made| made.metadata().ok()).map(|made| made.len());
        Ok((took, size.map(|size| format!("{size} bytes"))))
    }

    /// The same, where the program is on PATH; else how to get it.
    pub fn peer(name: impl Into<String>, program: &str, args: &[&str], get: &str) -> Self {
        let missing = (!needs::on_path(program)).then(|| get.to_owned());
        Self { missing, ..Self::new(name, program, args) }
    }

    /// The same by another name.
    pub fn called(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The same as a line for a shell.
    pub fn shell(mut self, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::null());
        self.command = command;
        self
    }

    /// In this folder, with these variables.
    pub fn inside(mut self, folder: &Path, variables: &[(&str, String)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (name, value));
        self.command.current_dir(folder).env_remove("DUCTOR_HOME").envs(variables);
        self
    }
}

/// The seconds of a side that is run once.
///
/// # Errors
/// As for [`commands`].
pub fn once(mut runner: Runner<'_>) -> Result<Option<f64>> {
    if runner.missing.is_some() { Ok(None) } else { runner.run().map(|(took, _)| Some(took)) }
}

/// Seconds of every side in every round. A round before the first is not counted: it fills the caches.
///
/// # Errors
/// A command can't be started or fails.
pub fn commands(rounds: usize, mut runners: Vec<Runner<'_>>) -> Result<Vec<Side>> {
    let mut sides: Vec<Side> = runners
        .iter()
        .map(|it| match &it.missing {
            Some(get) => Side::missing(&it.name, get),
            None => Side::new(&it.name, Vec::new()),
        })
        .collect();
    for round in 0..=rounds {
        for (runner, side) in runners.iter_mut().zip(&mut sides) {
            if side.missing.is_some() {
                continue;
            }
            let (took, note) = runner.run()?;
            side.note = note;
            if round > 0 {
                side.figures.push(took);
            }
        }
    }
    Ok(sides)
}
