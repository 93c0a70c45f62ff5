//! The command line, as data. What each word does is in `commands/`, one file a verb.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::service::ManagerName;

/// The command tree, for the man pages and completions that the packages carry.
pub fn command() -> clap::Command {
    Cli::command()
}

/// ductor keeps your bot always on, under the service manager this machine already has.
#[derive(Debug, Default, Parser)]
#[command(name = "ductor", version, max_term_width = 100, disable_help_subcommand = false)]
#[command(after_help = "\
Examples:
  ductor onboarding      get the bot, set it up, have it always on
  ductor status          what runs, and what to mend
  ductor service logs    what the bot writes
  ductor restart         end the bot and start it anew

Without a command it is `ductor run`.")]
pub struct Cli {
    /// What to do; without it, `run`.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Options that every command knows.
    #[command(flatten)]
    pub global: Global,
}

/// Options that every command knows.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Global {
    /// Say each command and file on stderr as it is run or written
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say nothing but errors and what was asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// No colour, even on a terminal (NO_COLOR works too)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// The verbs of `ductor`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the bot in the foreground, as its host
    #[command(after_help = "\
Examples:
  ductor run                         until Ctrl-C
  ductor run --takeover              in the place of what runs now
  DUCTOR_BOT=./mybot.sh ductor run   another program as the bot")]
    Run(RunArgs),
    /// Get the bot, set it up, and offer the service
    #[command(after_help = "\
Examples:
  ductor onboarding         set everything up, with questions
  ductor onboarding --yes   without those of ductor's own")]
    Onboarding(OnboardingArgs),
    /// Show the whole picture: bot, host, service, paths
    #[command(after_help = "\
Examples:
  ductor status
  ductor status --json | jq .bot

Exit codes: 0 a bot runs, 3 none does, 4 none does and no service is installed, 5 no manager.")]
    Status(Json),
    /// Stop the bot, whoever started it
    #[command(after_help = "\
Examples:
  ductor stop                     the service, or the host in another terminal
  ductor stop; ductor run -v      run it here, and see what it does")]
    Stop,
    /// Restart the bot, through whoever owns it
    #[command(after_help = "\
Examples:
  ductor restart    after a change of the bot's configuration")]
    Restart,
    /// The bot program itself: where it is, get it, use its command line
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  ductor bot path                which program it is, and why
  ductor bot install             get the newest
  ductor bot exec -- --version   ask the bot itself")]
    Bot(BotVerb),
    /// The service that keeps the bot on
    #[command(subcommand)]
    #[command(after_help = "\
Examples:
  ductor service install      set it up, and see the bot come up
  ductor service status       who runs the bot, since when, what to mend
  ductor service logs -n 50   what the bot wrote and writes
  ductor service doctor       every check, each with what mends it
  ductor service uninstall    take it away")]
    Service(ServiceVerb),
    /// Handed to the bot: manage its sub-agents
    Agents(Handed),
    /// Handed to the bot: manage its sandbox
    Docker(Handed),
    /// Handed to the bot: manage its API server
    Api(Handed),
    /// Handed to the bot: install its optional extras
    Install(Handed),
    /// Print the completion script of a shell
    #[command(after_help = "\
Examples:
  ductor completions bash >~/.local/share/bash-completion/completions/ductor
  ductor completions fish >~/.config/fish/completions/ductor.fish

Packages and installers bring these scripts.")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Remove the service, ductor, and the bot that it got; a package is left to its package manager
    #[command(after_help = "\
Examples:
  ductor uninstall --dry-run   what would be done
  ductor uninstall             all but the bot's own files
  ductor uninstall --purge     these too")]
    Uninstall(UninstallArgs),
    /// Put a newer version in the place of this one and see it come up; else go back
    #[command(after_help = "\
Examples:
  ductor upgrade --check           is there a newer one?
  ductor upgrade                   get it
  ductor upgrade --version 0.1.0   get this one")]
    Upgrade(UpgradeArgs),
    /// What the installer calls: put the files of an unpacked archive in their places
    #[command(hide = true)]
    Place(PlaceArgs),
}

/// What `run` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Stop the service, host or bot that runs now, and run in its place
    #[arg(long)]
    pub takeover: bool,
    /// The ductor home, as DUCTOR_HOME names it (a scheduled task has no environment)
    #[arg(long, hide = true)]
    pub home: Option<PathBuf>,
    /// The bot's command, as DUCTOR_BOT names it
    #[arg(long, hide = true, allow_hyphen_values = true)]
    pub bot: Option<String>,
}

/// What `onboarding` can be told.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OnboardingArgs {
    /// Answer our own questions with yes
    #[arg(short, long)]
    pub yes: bool,
    /// Leave the service as it is, and don't ask
    #[arg(long)]
    pub no_service: bool,
}

/// What `uninstall` can be told.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct UninstallArgs {
    /// Remove the bot's configuration and all its files too
    #[arg(long)]
    pub purge: bool,
    /// Answer our own questions with yes
    #[arg(short, long)]
    pub yes: bool,
    /// Print every command and file, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What `upgrade` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct UpgradeArgs {
    /// This version, not the newest; it may be an older one
    #[arg(long, value_name = "V")]
    pub version: Option<String>,
    /// Only say which version there is
    #[arg(long)]
    pub check: bool,
    /// Fetch and check it, print every command and file, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What `place` is told.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// The folder that has the program in it
    pub folder: PathBuf,
    /// Where later releases are looked for
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The key of minisign that they have to be signed with
    #[arg(long, value_name = "KEY")]
    pub public_key: Option<String>,
    /// The folder above `bin` and `share`
    #[arg(long, value_name = "DIR")]
    pub prefix: Option<PathBuf>,
    /// This version was asked for, also where a newer one is
    #[arg(long)]
    pub asked_for: bool,
    /// Print every file, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Words that go to the bot's own command line unchanged.
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub struct Handed {
    /// Everything that follows, unchanged
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub args: Vec<std::ffi::OsString>,
}

/// For people or for scripts.
#[derive(Args, Clone, Copy, Debug)]
pub struct Json {
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// The verbs of `ductor bot`.
#[derive(Debug, Subcommand)]
pub enum BotVerb {
    /// Print the bot's command, and why it is that one
    #[command(after_help = "\
Examples:
  ductor bot path          the command on stdout, the places on stderr
  ductor bot path --json | jq .candidates")]
    Path(Json),
    /// Get the bot from the Python package index: by uv, else pipx, else venv
    #[command(after_help = "\
Examples:
  ductor bot install                    the newest
  ductor bot install --version 0.20.1   this one")]
    Install {
        /// This version, not the newest
        #[arg(long)]
        version: Option<String>,
    },
    /// Run the bot's own command line
    #[command(after_help = "\
Examples:
  ductor bot exec -- --version")]
    Exec {
        /// What to hand it
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<std::ffi::OsString>,
    },
}

/// The verbs of `ductor service`.
#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// Set the service up, or repair it, and see the bot come up
    #[command(after_help = "\
Examples:
  ductor service install                      set it up; again: repair it
  ductor service install --dry-run            what would be written and run
  ductor service install --bot ./mybot        run this as the bot, from now on
  ductor service install --bot ''             find the bot again")]
    Install(InstallArgs),
    /// Stop the service and remove everything that was made for it
    #[command(after_help = "\
Examples:
  ductor service uninstall --dry-run   what would be done
  ductor service uninstall             ductor and the bot stay")]
    Uninstall {
        /// Print every command and file, change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Start the service and see the bot come up
    #[command(after_help = "\
Examples:
  ductor service start    after it was stopped, or gave up")]
    Start,
    /// Stop the service until it is started, or starts by itself at the next boot or login
    #[command(after_help = "\
Examples:
  ductor service stop         for now
  ductor service uninstall    for good")]
    Stop,
    /// Restart the service and see the bot come up
    #[command(after_help = "\
Examples:
  ductor service restart        the host and the bot
  ductor service restart -v     with each command that it takes")]
    Restart,
    /// Show who owns the bot's process, how it is, and what to mend
    #[command(after_help = "\
Examples:
  ductor service status
  ductor service status --json | jq .state

Exit codes: 0 it runs, 3 it does not, 4 it is not installed, 5 no manager.")]
    Status(Json),
    /// Show what the bot writes
    #[command(after_help = "\
Examples:
  ductor service logs                      what is new, until Ctrl-C
  ductor service logs --no-follow -n 100   the last hundred lines")]
    Logs {
        /// So many of the last lines first
        #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
        lines: u64,
        /// Go on with those to come; so it is anyway
        #[arg(short, long)]
        follow: bool,
        /// End after them
        #[arg(long, conflicts_with = "follow")]
        no_follow: bool,
    },
    /// Check everything the service rests on
    #[command(after_help = "\
Examples:
  ductor service doctor
  ductor service doctor --json | jq '.findings[] | select(.ok | not)'")]
    Doctor(Json),
    /// Print the definition that the manager would read
    #[command(after_help = "\
Examples:
  ductor service render                     for this machine
  ductor service render --manager launchd   for a Mac
  ductor service render --packaged          as packages bring it")]
    Render {
        /// Of this manager, not of the machine's own
        #[arg(long)]
        manager: Option<ManagerName>,
        /// The one that packages ship for everybody
        #[arg(long)]
        packaged: bool,
    },
}

/// What `service install` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct InstallArgs {
    /// Print every command and file, change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Set it up without starting it now
    #[arg(long)]
    pub no_start: bool,
    /// Don't ask that the service runs on after logout
    #[arg(long)]
    pub no_linger: bool,
    /// Run this command as the bot, and keep it so ('' goes back to finding it)
    #[arg(long, value_name = "COMMAND")]
    pub bot: Option<String>,
    /// Have the Task Scheduler run the bot itself, without a host that restarts it (Windows)
    #[arg(long)]
    pub direct: bool,
}

/// The shells that have completions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// GNU bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// Elvish
    Elvish,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_sound() {
        super::command().debug_assert();
    }
}
