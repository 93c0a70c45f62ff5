//! `ductor completions SHELL`.

use clap_complete::{Shell as Generator, generate};

use crate::cli::{Shell, command};
use crate::error::{Code, Result};

use super::screen::Screen;

pub fn run(screen: &Screen, shell: Shell) -> Result<Code> {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
        Shell::Powershell => Generator::PowerShell,
        Shell::Elvish => Generator::Elvish,
    };
    let mut script = Vec::new();
    generate(generator, &mut command(), "ductor", &mut script);
    screen.give(&String::from_utf8_lossy(&script)).map(|()| Code::Done)
}
