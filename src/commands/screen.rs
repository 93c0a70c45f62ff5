//! The *screen*: stdout for data, stderr for talk, colour and symbols only where they are seen.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

use crate::cli::Global;
use crate::error::{Context, Error, Result};
use crate::service::manager::Problem;

use super::typed::typed;
use super::working::Working;

/// Where a command prints.
pub struct Screen {
    verbose: bool,
    quiet: bool,
    colour: bool,
    unicode: bool,
    /// Whether somebody looks at what is said while it happens.
    live: bool,
}

/// What a piece of text means; the terminal shows it as a colour.
#[derive(Clone, Copy)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something is on its way, or needs a look.
    Warning,
    /// Something is wrong.
    Bad,
    /// Beside the point.
    Faint,
}

impl Screen {
    /// As the options and the environment ask for.
    pub fn new(global: Global) -> Self {
        let no_color = global.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::env::var_os("TERM");
        let colour =
            !no_color && io::stdout().is_terminal() && terminal.as_ref().is_none_or(|name| name != "dumb");
        let draws = cfg!(windows) || terminal.is_some_and(|name| name != "dumb");
        let live = draws && io::stderr().is_terminal() && !global.quiet && !global.verbose;
        Self { verbose: global.verbose, quiet: global.quiet, colour, unicode: locale_is_unicode(), live }
    }

    /// One without colour that knows all characters.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { verbose: false, quiet: false, colour: false, unicode: true, live: false }
    }

    /// Prints a line that was asked for.
    pub fn data(&self, line: impl Display) {
        self.write(&mut io::stdout().lock(), &line);
    }

    /// Prints what a command did, which who wants to hear of errors alone does not ask for.
    pub fn outcome(&self, line: impl Display) {
        if self.shows_outcomes() {
            self.data(line);
        }
    }

    /// Whether what a command did is wanted.
    pub fn shows_outcomes(&self) -> bool {
        !self.quiet
    }

    /// Prints what another program reads, as it is, whatever the locale: JSON, a definition, a path.
    ///
    /// # Errors
    /// It can't be written: a disk is full. A reader that went away (`| head`) is no failure of ours.
    pub fn give(&self, text: &str) -> Result<()> {
        match io::stdout().lock().write_all(format!("{}\n", text.trim_end()).as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).about("write to stdout"),
            _ => Ok(()),
        }
    }

    /// Prints a line of talk.
    pub fn say(&self, line: impl Display) {
        if !self.quiet {
            self.write(&mut io::stderr().lock(), &typed(&line.to_string()));
        }
    }

    /// Prints a question. It is waited for, so `--quiet` does not hide it.
    pub fn ask(&self, line: impl Display) {
        self.write(&mut io::stderr().lock(), &line);
    }

    /// Does what may take longer than a moment. A terminal shows that it goes on; elsewhere its steps are lines.
    pub fn during<T>(&self, what: &str, work: impl FnOnce(&dyn Fn(&str)) -> T) -> T {
        if !self.live {
            return work(&|step| self.say(step));
        }
        let frames = if self.unicode {
            &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"][..]
        } else {
            &["|", "/", "-", "\\"]
        };
        let working = Working::begin(what, frames);
        work(&|step| working.step(step))
    }

    /// Prints what is done, for `--verbose`.
    pub fn trace(&self, line: impl Display) {
        if self.verbose {
            self.write(&mut io::stderr().lock(), &format_args!("+ {line}"));
        }
    }

    /// Prints the error that a command ends with.
    pub fn error(&self, error: &Error) {
        let error = Error { fix: error.fix.as_deref().map(typed), ..error.clone() };
        self.write(&mut io::stderr().lock(), &error);
    }

    /// The line of a problem. It ends with what mends it.
    pub fn problem(&self, problem: &Problem) -> String {
        format!("{} {}", self.mark(false), mended(&problem.message, &problem.fix))
    }

    /// The mark of something that is as it should be, or is not.
    pub fn mark(&self, ok: bool) -> String {
        match (ok, self.unicode) {
            (true, true) => self.paint(Tone::Good, "✓"),
            (true, false) => self.paint(Tone::Good, "+"),
            (false, true) => self.paint(Tone::Warning, "▲"),
            (false, false) => self.paint(Tone::Warning, "!"),
        }
    }

    /// The dot that begins a status.
    pub fn dot(&self, tone: Tone) -> String {
        self.paint(tone, if self.unicode { "●" } else { "*" })
    }

    /// The text in the colour of its tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Bad => 31,
            Tone::Faint => 2,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// In one piece, so that nothing of others comes into the middle: stderr has no buffer. A reader that went away
    /// (`| head`) is no failure of ours.
    fn write(&self, to: &mut dyn Write, line: &dyn Display) {
        let line = if self.unicode { format!("{line}\n") } else { format!("{}\n", Ascii(line)) };
        let _closed = to.write_all(line.as_bytes());
    }
}

/// What is wrong, and what mends it. What a manager said about it may be a sentence already.
pub fn mended(what: &str, fix: &str) -> String {
    format!("{}. Fix: {}", what.trim_end_matches('.'), typed(fix))
}

/// Text for a terminal that knows ASCII alone.
struct Ascii<'a>(&'a dyn Display);

impl Display for Ascii<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Filter<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars()
                    .try_for_each(|c| fmt::Write::write_char(self.0, if c.is_ascii() { c } else { '?' }))
            }
        }
        fmt::Write::write_fmt(&mut Filter(f), format_args!("{}", self.0))
    }
}

/// The locale's character set, by the rule of setlocale(3): the first that is set counts.
fn locale_is_unicode() -> bool {
    if cfg!(not(all(unix, not(target_os = "macos")))) {
        return true;
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
