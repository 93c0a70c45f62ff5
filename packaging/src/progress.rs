//! What is told on stderr while the work goes on: spinners on a terminal, plain lines anywhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The screen that all steps share.
#[derive(Debug)]
pub struct Progress {
    terminal: Option<MultiProgress>,
}

/// A piece of work that has begun.
#[derive(Debug)]
pub struct Step {
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// On the stderr of this process.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal().then(MultiProgress::new) }
    }

    /// Says that something begins which tells of itself, such as cargo.
    #[allow(clippy::print_stderr, reason = "progress is talk, and talk goes to stderr")]
    pub fn say(&self, what: &str) {
        eprintln!("{what}");
    }

    /// Begins a piece of work; dropping the step ends it.
    pub fn begin(&self, what: String) -> Step {
        let Some(screen) = &self.terminal else {
            self.say(&what);
            return Step { spinner: None };
        };
        let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
        let spinner = screen.add(ProgressBar::new_spinner().with_message(what));
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        spinner.enable_steady_tick(Duration::from_millis(100));
        Step { spinner: Some(spinner) }
    }
}

impl Step {
    /// Shows how far it is; false where nobody sees that.
    pub fn shows(&self, what: &str) -> bool {
        self.spinner.as_ref().inspect(|spinner| spinner.set_message(what.to_owned())).is_some()
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
