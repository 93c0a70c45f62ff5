//! `cargo xtask lab`: the lab by hand.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what a person reads")]

use anyhow::{Context, Result};

use super::machine::{self, Network};
use super::user::run_here;
use super::{Image, Machine, User, image, needs, wine};

/// What to do with the lab.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Build images, by name, and wine, which is none; all of them when none is named
    Build {
        /// Names of images
        images: Vec<String>,
    },
    /// Boot a machine that stays until it is stopped
    Boot {
        /// What to call it
        name: String,
        /// What it starts from
        #[arg(default_value = "bookworm")]
        image: String,
        /// Let it reach what this computer reaches
        #[arg(long)]
        network: bool,
    },
    /// Run a command in a machine: root in the system, others in a login session; su:alice, su-:alice (an
    /// administrator's `su`) and cron:alice come in by other doors
    Run {
        /// The machine
        name: String,
        /// root, alice or bob, and how
        user: String,
        /// The command with its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// A shell in a machine
    Shell {
        /// The machine
        name: String,
        /// root, alice or bob
        #[arg(default_value = "root")]
        user: String,
    },
    /// Reboot a machine
    Reboot {
        /// The machine
        name: String,
    },
    /// Stop machines and delete their files; with no name, the machines of tests that were cut off
    Stop {
        /// The machines
        names: Vec<String>,
    },
    /// List the machines
    List,
}

/// Does it, and gives the exit code.
///
/// # Errors
/// A need of the lab is not met, there is no such image or machine, or a step failed.
pub fn run(verb: &Verb) -> Result<i32> {
    match verb {
        Verb::Build { images } => build(images)?,
        Verb::Boot { name, image, network } => {
            let image = Image::named(image).with_context(|| unknown_image(image))?;
            build(&[image.name.into()])?;
            let network = if *network { Network::Host } else { Network::Loopback };
            let machine = Machine::boot_named(name, image, network)?;
            println!("{name} is up, its files are in {}", machine.root().display());
        }
        Verb::Run { name, user, command } => {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            return run_here(&Machine::find(name)?, &door(user), &command);
        }
        Verb::Shell { name, user } => return shell(&Machine::find(name)?, user),
        Verb::Reboot { name } => Machine::find(name)?.reboot()?,
        Verb::Stop { names } if names.is_empty() => machine::sweep()?,
        Verb::Stop { names } => names.iter().try_for_each(|name| Machine::find(name)?.stop())?,
        Verb::List => machine::list().iter().for_each(|name| println!("{name}")),
    }
    Ok(0)
}

/// Builds the images with these names, or all.
///
/// # Errors
/// A need of the lab is not met, or a build failed.
pub fn build(names: &[String]) -> Result<()> {
    let say = |what: &str| eprintln!("lab: {what}");
    needs::get(&say)?;
    needs::check()?;
    let (windows, names): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| *name == "wine");
    if !windows.is_empty() || names.is_empty() {
        wine::get(&say)?;
        wine::build(&say)?;
    }
    if !windows.is_empty() && names.is_empty() {
        return Ok(());
    }
    let named = names.into_iter().map(|name| Image::named(name).with_context(|| unknown_image(name)));
    let named: Vec<&Image> = named.collect::<Result<_>>()?;
    let images = if named.is_empty() { image::ALL.to_vec() } else { named };
    image::build_all(&images, &say)
}

fn door(user: &str) -> User<'_> {
    match user.split_once(':') {
        Some(("su", user)) => User::Su(user),
        Some(("su-", user)) => User::SuLogin(user),
        Some(("cron", user)) => User::Cron(user),
        Some(("login", user)) => User::Login(user),
        _ => user.into(),
    }
}

fn shell(machine: &Machine, user: &str) -> Result<i32> {
    match user {
        "root" => run_here(machine, &User::Root, &["bash", "-l"]),
        // A login session of its own, with this terminal.
        user => run_here(machine, &User::Root, &["su", "-", user]),
    }
}

fn unknown_image(name: &str) -> String {
    let names: Vec<&str> = image::ALL.iter().map(|image| image.name).collect();
    format!("no image {name:?}; there are: {}", names.join(" "))
}
