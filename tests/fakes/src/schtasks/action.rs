//! The *action* of a task while it runs: the program, and one more instance of this program that looks after it, as
//! the service of Windows does.

use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io, thread};

use roxmltree::Document;

use super::stored::{Task, text_of};
use super::{ENDED_BY_USER, RUNNING};
use crate::state::State;

/// The option that makes this program look after the task whose name follows.
pub const INSTANCE: &str = "--instance";

/// Has an instance started, if none runs. It is running a moment later.
pub fn start(state: &State, task: &Task) -> io::Result<()> {
    if task.instance().is_some() {
        return Ok(()); // IgnoreNew
    }
    let mut instance = Command::new(env::current_exe()?);
    instance
        .env(crate::NAME, "schtasks")
        .env(crate::state::STATE, state.path(""))
        .args([INSTANCE, &task.name]);
    instance.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut instance, 0);
    #[cfg(windows)]
    detach(&mut instance);
    instance.spawn().map(drop)
}

/// The scheduler is none of our descendants: it has neither our console nor anything that those above us write to,
/// whose readers wait for its end.
#[cfg(windows)]
#[allow(unsafe_code, reason = "the Windows API")]
fn detach(instance: &mut Command) {
    use std::os::windows::process::CommandExt;
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
    use windows_sys::Win32::System::Threading::DETACHED_PROCESS;
    for number in (4..4096).step_by(4) {
        // SAFETY: a handle that is none is refused.
        unsafe { SetHandleInformation(number as *mut _, HANDLE_FLAG_INHERIT, 0) };
    }
    instance.creation_flags(DETACHED_PROCESS);
}

/// Runs the action of this task to its end.
pub fn run(state: &State, name: &str) -> u8 {
    let task = Task::find(state, name);
    task.clear("end");
    let started = command(state, &task.definition()).spawn();
    let Ok(mut action) = started else {
        task.set("result", "2147942402"); // 0x80070002, no such file
        return 0;
    };
    task.set("instance", &std::process::id().to_string());
    task.set("result", &RUNNING.to_string());
    let result = loop {
        match action.try_wait() {
            // What a signal ends has no code; TerminateProcess gives one.
            Ok(Some(status)) => break status.code().map_or(1, i32::unsigned_abs),
            _ if task.has("end") => {
                let _ended = action.kill().and_then(|()| action.wait());
                break ENDED_BY_USER;
            }
            _ => thread::sleep(Duration::from_millis(10)),
        }
    };
    if task.exists() {
        task.set("result", &result.to_string());
        task.clear("instance");
    }
    0
}

fn command(state: &State, definition: &str) -> Command {
    let document = Document::parse(definition).ok();
    let exec = |name: &str| {
        let root = document.as_ref().map(Document::root_element)?;
        text_of(root, &["Actions", "Exec", name]).map(ToOwned::to_owned)
    };
    let mut command = Command::new(exec("Command").unwrap_or_default());
    command.args(split(&exec("Arguments").unwrap_or_default())).env_clear();
    if let Some(folder) = exec("WorkingDirectory") {
        command.current_dir(folder);
    }
    let environment = state.get("environment").unwrap_or_default();
    command.envs(environment.lines().filter_map(|line| line.split_once('=')));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The arguments in a command line, by the rules of Microsoft's C runtime for what has no `""` inside quotes.
fn split(line: &str) -> Vec<String> {
    let (mut arguments, mut argument, mut quoted) = (Vec::new(), None::<String>, false);
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        let slashes = rest.len() - rest.trim_start_matches('\\').len();
        let before_quote = slashes > 0 && rest[slashes..].starts_with('"');
        if before_quote {
            let argument = argument.get_or_insert_default();
            argument.push_str(&"\\".repeat(slashes / 2));
            rest = &rest[slashes..];
            if slashes % 2 == 1 {
                argument.push('"');
                rest = &rest[1..];
            }
            continue;
        }
        match character {
            '"' => {
                quoted = !quoted;
                argument.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => arguments.extend(argument.take()),
            character => argument.get_or_insert_default().push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    arguments.extend(argument);
    arguments
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_command_line_is_split_as_windows_does() {
        assert_eq!(
            split(r#"run --home "D:\B & B" --bot "\"a b\" c""#),
            ["run", "--home", r"D:\B & B", "--bot", "\"a b\" c"]
        );
        assert_eq!(split(r#""a\\" b\c \\\"d "" e"#), [r"a\", r"b\c", r#"\"d"#, "", "e"]);
        assert!(split("").is_empty());
    }
}
