//! The *task*: what the Task Scheduler of Windows runs for one user, as XML.
//!
//! The order of the elements is that of Microsoft's schema (\[MS-TSCH\] 2.5, "XML Task Definition Format"); where
//! the schema allows any order, it is the one in which it lists them. A task has no environment, so what the user
//! chose stands in the arguments of the host.

use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::service::definition::{
    Chosen, LOGON_DELAY, Owner, ServiceDefinition, TASK_PRIORITY, TASK_RETRIES, TASK_RETRY_MINUTES,
};

use super::element::Element;
use super::{MADE_BY, command_line, refuse_control_characters};

/// The name of the task, where no other user of the machine owns it.
pub const NAME: &str = "ductor";

/// The namespace of every task.
pub const NAMESPACE: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/// Where the packages of its system put the program.
pub const PACKAGED: &str = r"C:\Program Files\ductor\ductor.exe";

/// What it is, in an error.
const KIND: &str = "a scheduled task";

/// A `Command` and a `WorkingDirectory` may be no longer (`pathType` of the schema).
const LONGEST_PATH: usize = 260;

/// The group of all users, whatever language Windows speaks (well-known SIDs, `BUILTIN\Users`).
const ALL_USERS: &str = "S-1-5-32-545";

/// The windowless twin of `ductor`, beside it.
pub const TWIN: &str = "ductorw";

/// The task of a definition, for the user whose security identifier (SID) is `user`. A packaged one runs for
/// whoever logs on.
///
/// # Errors
/// A value that no task can carry: a control character, a path longer than the schema allows, `%` around what
/// Windows would take for the name of a variable; with `--direct`, what only a host could tell the bot.
pub fn render(definition: &ServiceDefinition, user: &str) -> Result<String> {
    tree(definition, user)?.document("UTF-16")
}

/// The same, as a tree.
///
/// # Errors
/// As [`render`].
pub(crate) fn tree(definition: &ServiceDefinition, user: &str) -> Result<Element> {
    let each_user = definition.owner == Owner::EachUser;
    let mut trigger = vec![leaf("Enabled", true)];
    // Without a user it means any user, and only an administrator may make such a task.
    trigger.extend((!each_user).then(|| leaf("UserId", user)));
    trigger.push(leaf("Delay", format!("PT{LOGON_DELAY}S")));
    let principal = if each_user {
        vec![leaf("GroupId", ALL_USERS)]
    } else {
        vec![leaf("UserId", user), leaf("LogonType", "InteractiveToken")]
    };
    let task = [
        Element::new(
            "RegistrationInfo",
            [
                leaf("Source", MADE_BY),
                leaf("Description", "Keeps the ductor bot running while you are logged on"),
            ],
        ),
        Element::new("Triggers", [Element::new("LogonTrigger", trigger)]),
        settings(each_user),
        Element::new(
            "Principals",
            [Element::new("Principal", principal.into_iter().chain([leaf("RunLevel", "LeastPrivilege")]))
                .with("id", "Author")],
        ),
        Element::new("Actions", [action(definition)?]).with("Context", "Author"),
    ];
    Ok(Element::new("Task", task).with("version", "1.2").with("xmlns", NAMESPACE))
}

/// The bytes that `schtasks.exe` takes: UTF-16, little end first, with a byte order mark.
pub fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// What the user chose, read back from a task of ours.
#[doc(hidden)]
pub fn chosen_in(task: &Element) -> Chosen {
    let exec = |name: &str| task.text_at(&["Actions", "Exec", name]).unwrap_or_default();
    chosen_by(exec("Command"), &command_line::split(exec("Arguments")))
}

/// The same of the command line that such a task starts.
pub(crate) fn chosen_by(program: &str, arguments: &[String]) -> Chosen {
    if is_bot(arguments) {
        return Chosen { direct: Some(program.into()), ..Chosen::default() };
    }
    let value = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + 1).cloned()
    };
    Chosen { ductor_home: value("--home").map(Into::into), bot: value("--bot"), direct: None }
}

/// These are the arguments of a Python that runs the bot itself.
pub(crate) fn is_bot(arguments: &[String]) -> bool {
    arguments.iter().zip(arguments.iter().skip(1)).any(|(m, module)| m == "-m" && module == "ductor_bot")
}

/// The windowless twin of the program `ductor`, by its path on whatever system.
pub fn twin(program: &Path) -> String {
    let program = program.to_string_lossy();
    let (folder, name) = program.split_at(program.rfind(['/', '\\']).map_or(0, |at| at + 1));
    let extension = name.rsplit_once('.').map_or(String::new(), |(_, extension)| format!(".{extension}"));
    format!("{folder}{TWIN}{extension}")
}

/// What differs from the defaults does so for a reason: by default a task ends on battery, after 72 hours, and
/// when its user comes back to an idle machine.
fn settings(each_user: bool) -> Element {
    let retries = [leaf("Interval", format!("PT{TASK_RETRY_MINUTES}M")), leaf("Count", TASK_RETRIES)];
    Element::new(
        "Settings",
        [
            leaf("AllowStartOnDemand", true),
            Element::new("RestartOnFailure", retries), // of a host that could not be started; it never means a crash
            // Of a second instance for the same user the host's lock takes care; other users have their own.
            leaf("MultipleInstancesPolicy", if each_user { "Parallel" } else { "IgnoreNew" }),
            leaf("DisallowStartIfOnBatteries", false),
            leaf("StopIfGoingOnBatteries", false),
            leaf("AllowHardTerminate", true),
            leaf("StartWhenAvailable", true),
            leaf("RunOnlyIfNetworkAvailable", false),
            leaf("WakeToRun", false),
            leaf("Enabled", true),
            leaf("Hidden", false),
            Element::new("IdleSettings", [leaf("StopOnIdleEnd", false), leaf("RestartOnIdle", false)]),
            leaf("ExecutionTimeLimit", "PT0S"),
            leaf("Priority", TASK_PRIORITY),
            leaf("RunOnlyIfIdle", false),
        ],
    )
}

fn leaf(name: &str, text: impl std::fmt::Display) -> Element {
    Element::leaf(name, &text.to_string())
}

fn action(definition: &ServiceDefinition) -> Result<Element> {
    let chosen = &definition.chosen;
    let mut arguments: Vec<String> = Vec::new();
    let command = match &chosen.direct {
        Some(python) => {
            refuse_what_only_a_host_tells(chosen)?;
            arguments.extend(["-m".into(), "ductor_bot".into()]);
            python.to_string_lossy().into_owned()
        }
        None => {
            let home = chosen.ductor_home.as_ref().map(|home| ["--home".into(), home.display().to_string()]);
            let bot = chosen.bot.clone().map(|bot| ["--bot".into(), bot]);
            arguments.extend(home.into_iter().chain(bot).flatten());
            if !arguments.is_empty() {
                arguments.insert(0, "run".into());
            }
            twin(&definition.program)
        }
    };
    let mut exec = vec![leaf("Command", path(&command)?)];
    if !arguments.is_empty() {
        let line = command_line::join(arguments.iter().map(String::as_str));
        exec.push(leaf("Arguments", value(&line)?));
    }
    if let Owner::User(home) = &definition.owner {
        exec.push(leaf("WorkingDirectory", path(&home.to_string_lossy())?));
    }
    Ok(Element::new("Exec", exec))
}

fn refuse_what_only_a_host_tells(chosen: &Chosen) -> Result<()> {
    if chosen.ductor_home.is_none() && chosen.bot.is_none() {
        return Ok(());
    }
    let cause = "a task has no environment, so it can't carry DUCTOR_HOME or --bot to the bot";
    Err(Error::new("--direct", cause).code(Code::Usage).fix("the same without --direct"))
}

fn path(text: &str) -> Result<&str> {
    if text.is_empty() || text.encode_utf16().count() > LONGEST_PATH {
        let cause = format!("in {KIND} a path has at most {LONGEST_PATH} characters");
        return Err(Error::new(format!("{text:?}"), cause).code(Code::Usage));
    }
    value(text)
}

/// The Task Scheduler replaces `%NAME%` in every part of an action, and knows no way to write a `%` that stays.
fn value(text: &str) -> Result<&str> {
    refuse_control_characters(text, KIND)?;
    if text.matches('%').count() > 1 {
        let cause = format!("in {KIND} what stands between two % is taken for a variable");
        return Err(Error::new(format!("{text:?}"), cause).code(Code::Usage));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;

    const USER: &str = "S-1-5-21-1-2-3-1001";

    fn definition(bot: Option<&str>) -> ServiceDefinition {
        let home = Home::of_any_system("C:/Users/u", "C:/Users/u/.ductor");
        ServiceDefinition::for_user(r"C:\Program Files\ductor\ductor.exe", &home, bot.map(Into::into))
    }

    #[test]
    fn the_user_stands_in_trigger_and_principal_so_that_no_administrator_is_needed() {
        let task = tree(&definition(None), USER).unwrap();
        assert_eq!(task.text_at(&["Triggers", "LogonTrigger", "UserId"]), Some(USER));
        assert_eq!(task.text_at(&["Principals", "Principal", "UserId"]), Some(USER));
        let command = task.text_at(&["Actions", "Exec", "Command"]);
        assert_eq!(command, Some(r"C:\Program Files\ductor\ductorw.exe"));
        assert_eq!(task.at(&["Actions", "Exec", "Arguments"]), None);
    }

    #[test]
    fn the_twin_is_beside_the_program() {
        for (program, twin) in
            [("/usr/bin/ductor", "/usr/bin/ductorw"), (r"C:\a.b\ductor.exe", r"C:\a.b\ductorw.exe")]
        {
            assert_eq!(super::twin(Path::new(program)), twin);
        }
    }

    #[test]
    fn what_the_user_chose_is_read_back() {
        let mut definition = definition(Some(r#"python -c "print(\"<hi>\")" C:\x\"#));
        definition.chosen.ductor_home = Some(r"D:\my home\".into());
        assert_eq!(chosen_in(&tree(&definition, USER).unwrap()), definition.chosen);
        let direct = Chosen { direct: Some(r"C:\Python 3\pythonw.exe".into()), ..Chosen::default() };
        let definition = ServiceDefinition { chosen: direct.clone(), ..definition };
        let task = tree(&definition, USER).unwrap();
        assert_eq!(task.text_at(&["Actions", "Exec", "Arguments"]), Some("-m ductor_bot"));
        assert_eq!(chosen_in(&task), direct);
    }

    #[test]
    fn what_a_task_can_not_carry_is_refused() {
        let mut definition = definition(None);
        for bad in ["a\u{7}", "%PATH%"] {
            definition.chosen.bot = Some(bad.into());
            assert_eq!(render(&definition, USER).unwrap_err().code, Code::Usage);
        }
        definition.chosen.bot = Some("100% sure".into());
        render(&definition, USER).unwrap();
        definition.chosen.direct = Some("pythonw.exe".into());
        assert_eq!(render(&definition, USER).unwrap_err().what, "--direct");
        definition.chosen = Chosen::default();
        definition.program = format!("C:\\{}\\ductor.exe", "x".repeat(LONGEST_PATH)).into();
        assert_eq!(render(&definition, USER).unwrap_err().code, Code::Usage);
    }

    #[test]
    fn the_bytes_begin_with_a_byte_order_mark() {
        assert_eq!(utf16("a😀"), [0xff, 0xfe, b'a', 0, 0x3d, 0xd8, 0x00, 0xde]);
    }
}
