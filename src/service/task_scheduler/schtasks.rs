//! How the Task Scheduler is spoken to: `schtasks.exe`, and what can be believed of its answers.
//!
//! It ends with 0, or with 1 for every kind of failure; it speaks the language of Windows, in the code page of the
//! console. So three things are read: the code, the XML of a task, and one number in a table, by its place.

use crate::effects::{Command, Output, ask, text};
use crate::error::{Code, Error, Result};

use super::csv::fields;
use super::user::is_elevated;

/// `Last Result`, in the 28 columns of `/FO CSV /V`.
const LAST_RESULT: usize = 6;

/// What an administrator has to do that we may not. No language is asked how it calls this.
pub const AS_ADMINISTRATOR: &str = "right-click \"Terminal\" or \"Command Prompt\" in the Start menu, \
choose \"Run as administrator\", and type there";

/// `schtasks.exe ARGS`.
pub fn schtasks(args: &[&str]) -> Command {
    Command::new("schtasks.exe", args)
}

/// The definition of this task as text: empty when there is one that can't be read (Wine tells none), none when
/// there is no task that we may see.
///
/// # Errors
/// [`Code::Unavailable`]: there is no `schtasks.exe`.
pub fn definition(name: &str) -> Result<Option<String>> {
    let output = query(&["/TN", name, "/XML"])?;
    let said = text(&output.stdout);
    Ok(output.success().then(|| said.trim_start().to_owned()))
}

/// The paths of all tasks that we may see.
///
/// # Errors
/// [`Code::Unavailable`]: the scheduler does not answer.
pub fn all() -> Result<Vec<String>> {
    let output = query(&["/FO", "CSV", "/NH"])?;
    if output.success() {
        let table = text(&output.stdout);
        return Ok(table.lines().filter_map(|row| fields(row).into_iter().next()).collect());
    }
    let error = schtasks(&["/Query"]).failed(&output).code(Code::Unavailable);
    Err(error.fix("Start-Service Schedule"))
}

fn query(args: &[&str]) -> Result<Output> {
    let args: Vec<&str> = ["/Query"].iter().chain(args).copied().collect();
    ask(&schtasks(&args)).map_err(|error| error.code(Code::Unavailable))
}

/// How a task last ended, or why it has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It runs.
    Running,
    /// It waits to be run: another instance has not ended yet.
    Queued,
    /// It has never run, was ended by `/End`, or ended with 0.
    Quiet,
    /// It ended with this code, or could not be started.
    Failed(u32),
    /// The table has another form than it should have.
    Unknown,
}

impl Last {
    /// Asks about the task of this name.
    pub fn of(name: &str) -> Self {
        let output = query(&["/TN", name, "/FO", "CSV", "/V", "/NH"]).ok().filter(Output::success);
        output.map_or(Self::Unknown, |output| Self::in_table(&text(&output.stdout)))
    }

    /// Every trigger has a row; the result is the same in all.
    pub(crate) fn in_table(table: &str) -> Self {
        let row = table.lines().map(fields).find(|row| row.len() > LAST_RESULT);
        // Some versions write the number with a sign.
        let number: Option<i64> = row.and_then(|row| row[LAST_RESULT].trim().parse().ok());
        number.map_or(Self::Unknown, |number| Self::from((number & 0xffff_ffff) as u32))
    }
}

/// The codes of the scheduler itself: "Task Scheduler Error and Success Constants", `SCHED_S_…`.
impl From<u32> for Last {
    fn from(number: u32) -> Self {
        match number {
            0x41301 => Self::Running,
            0x41325 => Self::Queued,
            // 0, ready, disabled, never run, no more runs, terminated.
            0 | 0x41300 | 0x41302 | 0x41303 | 0x41304 | 0x41306 => Self::Quiet,
            code => Self::Failed(code),
        }
    }
}

/// The error that says that a change failed. A failure without a reason that we may read has two kinds: where the
/// scheduler answers and we are no administrator, it wants one, for the same `verb` of `ductor service`.
pub fn refused(mut error: Error, verb: &str) -> Error {
    if all().is_err() || is_elevated() {
        return error;
    }
    error.cause = format!(
        "{}\n  nothing was changed: Windows or a policy of it asks for an administrator",
        error.cause
    );
    error.code(Code::NotPermitted).fix(format!("{AS_ADMINISTRATOR}: ductor service {verb}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_in_its_place_is_read_whatever_the_words_are() {
        let row = |status: &str, result: &str| {
            format!(
                "\r\n\"PC\",\"\\ductor\",\"N/A\",\"{status}\",\"x\",\"1.1.2026, 12:00\",\"{result}\",\"a\"\r\n"
            )
        };
        assert_eq!(Last::in_table(&row("Running", "0")), Last::Quiet);
        assert_eq!(Last::in_table(&row("Wird ausgef\u{fffd}hrt", "267009")), Last::Running);
        assert_eq!(Last::in_table(&row("Bereit", "267014")), Last::Quiet);
        assert_eq!(Last::in_table(&row("", "78")), Last::Failed(78));
        assert_eq!(Last::in_table(&row("", "-1073741510")), Last::Failed(0xc000_013a));
        assert_eq!(Last::in_table(&row("", "3221225786")), Last::Failed(0xc000_013a));
        assert_eq!(Last::in_table(&row("", "bereit")), Last::Unknown);
        assert_eq!(Last::in_table(""), Last::Unknown);
    }
}
