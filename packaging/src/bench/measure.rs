//! The watch: whole processes from their start to their end, all sides in each round.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Side;
use crate::lab::needs;

/// A side that is a command; it must end with 0.
pub struct Runner {
    name: String,
    command: Command,
    missing: Option<String>,
}

impl Runner {
    /// This command.
    pub fn new(name: impl Into<String>, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
        Self { name: name.into(), command, missing: None }
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

/// Seconds of every side in every round. A round before the first is not counted: it fills the caches.
///
/// # Errors
/// A command can't be started or fails.
pub fn commands(rounds: usize, mut runners: Vec<Runner>) -> Result<Vec<Side>> {
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
            let start = Instant::now();
            let output = runner.command.output().with_context(|| format!("run {}", runner.name))?;
            let took = start.elapsed().as_secs_f64();
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{}: {}: {}", runner.name, output.status, said.trim());
            if round > 0 {
                side.figures.push(took);
            }
        }
    }
    Ok(sides)
}
