//! The systemd *unit*: `ductor.service`, for the user manager.
//!
//! Every directive has its own quoting (systemd.syntax(7), systemd.service(5) "COMMAND LINES"); the three
//! functions at the end are all there is, and a property test holds them against systemd's own parser.

use std::path::Path;

use crate::error::Result;
use crate::service::definition::{
    Chosen, Owner, RESTART_DELAY, START_LIMIT, START_LIMIT_INTERVAL, STOP_TIMEOUT, ServiceDefinition,
};

use super::{MADE_BY, refuse_control_characters, unit_syntax};

/// The name of the unit in every user manager.
pub const NAME: &str = "ductor.service";

/// Where the packages of its system put the program.
pub const PACKAGED: &str = "/usr/bin/ductor";

/// What it is, in an error.
const KIND: &str = "a systemd unit";

/// A packaged unit runs only for those who have this below their home.
const CONFIGURED: &str = "%h/.ductor/config/config.json";

/// The unit of a definition.
///
/// # Errors
/// A path or value holds a control character, which no unit can carry.
pub fn render(definition: &ServiceDefinition) -> Result<String> {
    let (home, start_condition) = match &definition.owner {
        Owner::User(home) => (home.as_path(), condition("ConditionFileIsExecutable", &definition.program)),
        Owner::EachUser => (Path::new("%h"), format!("ConditionPathExists={CONFIGURED}\n")),
    };
    let environment: Vec<(&str, String)> = definition.environment(home);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let values = environment.iter().map(|(_, value)| value.clone()).chain([text(&definition.program)]);
    for value in values {
        refuse_control_characters(&value, KIND)?;
    }
    let environment: String = environment
        .iter()
        .map(|(name, value)| match &definition.owner {
            Owner::User(_) => assignment(name, value),
            // Only paths of ours and `%h` are in it, which must stay a specifier.
            Owner::EachUser => format!("Environment=\"{name}={value}\"\n"),
        })
        .collect();
    let exec_start = command(&text(&definition.program));
    Ok(format!(
        "\
# {MADE_BY}. What you want different belongs into a drop-in: systemctl --user edit ductor
[Unit]
Description=ductor, a bot that drives AI command-line agents from a chat
Documentation=man:ductor(1)
StartLimitIntervalSec={START_LIMIT_INTERVAL}
StartLimitBurst={START_LIMIT}
{start_condition}
[Service]
Type=exec
ExecStart={exec_start}
WorkingDirectory=%h
{environment}\
Restart=on-failure
RestartSec={RESTART_DELAY}
RestartPreventExitStatus=78
TimeoutStopSec={STOP_TIMEOUT}
KillMode=mixed
OOMPolicy=continue
SyslogIdentifier=ductor

[Install]
WantedBy=default.target
"
    ))
}

/// The drop-in that carries what one user chose, beside a packaged unit; none when there was no choice.
///
/// The packaged unit's condition looks at the default home, so it is taken back here: a user with a drop-in
/// has asked for the service.
///
/// # Errors
/// A value holds a control character.
pub fn render_drop_in(chosen: &Chosen) -> Result<Option<String>> {
    let chosen = chosen.environment();
    if chosen.is_empty() {
        return Ok(None);
    }
    for (_, value) in &chosen {
        refuse_control_characters(value, KIND)?;
    }
    let environment: String = chosen.iter().map(|(name, value)| assignment(name, value)).collect();
    Ok(Some(format!("# {MADE_BY}.\n[Unit]\nConditionPathExists=\n\n[Service]\n{environment}")))
}

/// Whether two units or drop-ins of ours say the same. Their first line is a comment with the version that made
/// them: a new version alone makes none stale.
pub fn say_the_same(one: &str, other: &str) -> bool {
    let said = |text: &str| text.split_once('\n').map(|(_, said)| said.to_owned());
    said(one) == said(other)
}

/// What the user chose, read back from a unit or drop-in, of ours or of the Python ductor.
pub fn chosen_in(text: &str, user_home: &Path) -> Chosen {
    let value = |name: &str| unit_syntax::variable(text, name, user_home);
    super::chosen(value("DUCTOR_HOME"), value("DUCTOR_BOT"))
}

/// `Environment="NAME=value"`: C-style quoting, specifiers; `$` is an ordinary character here.
fn assignment(name: &str, value: &str) -> String {
    format!("Environment=\"{name}={}\"\n", quoted(value))
}

/// `ExecStart=`: the first word knows quotes and specifiers but no `$`, and refuses quotes and backslashes in
/// the path itself. With one of those the shell becomes the first word, and execs its argument, in which `$` is
/// doubled. (env(1) would take a path with a `=` for a variable.)
fn command(program: &str) -> String {
    if program.contains(['\'', '"', '\\']) {
        format!("/bin/sh -c 'exec \"$$0\"' \"{}\"", quoted(program).replace('$', "$$"))
    } else {
        format!("\"{}\"", quoted(program))
    }
}

/// A condition takes its path raw, with specifiers and without quoting.
fn condition(name: &str, program: &Path) -> String {
    let program = program.to_string_lossy();
    if program.ends_with([' ', '\\']) {
        String::new()
    } else {
        format!("{name}={}\n", program.replace('%', "%%"))
    }
}

/// What stands between double quotes: systemd.syntax(7), "Quoting".
fn quoted(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::home::Home;

    #[test]
    fn a_packaged_unit_names_no_user() {
        let unit = render(&ServiceDefinition::packaged("/usr/bin/ductor")).unwrap();
        assert!(unit.contains("ConditionPathExists=%h/.ductor/config/config.json\n"), "{unit}");
        assert!(unit.contains("Environment=\"PATH=%h/.local/bin:/usr/local/bin:/usr/bin:/bin:"), "{unit}");
        assert!(!unit.contains("/home"), "{unit}");
    }

    #[test]
    fn each_directive_has_its_own_quoting() {
        let home = Home::of_any_system("/home/o'brien x%h$y", "/home/o'brien x%h$y/.ductor");
        let unit = render(&ServiceDefinition::for_user("/home/o'brien x%h$y/ductor", &home, None)).unwrap();
        assert!(
            unit.contains("\nExecStart=/bin/sh -c 'exec \"$$0\"' \"/home/o'brien x%%h$$y/ductor\"\n"),
            "{unit}"
        );
        assert!(unit.contains("\nEnvironment=\"HOME=/home/o'brien x%%h$y\"\n"), "{unit}");
        assert!(unit.contains("\nConditionFileIsExecutable=/home/o'brien x%%h$y/ductor\n"), "{unit}");
        assert_eq!(command("/a b$c%"), "\"/a b$c%%\"");
    }

    #[test]
    fn a_line_break_is_refused_before_anything_is_written() {
        let home = Home::of_any_system("/home/u", "/home/u/.ductor");
        for bad in ["a\nExecStart=/bin/sh", "a\0b", "a\u{85}b"] {
            let refused = render(&ServiceDefinition::for_user("/d", &home, Some(bad.into()))).unwrap_err();
            assert_eq!(refused.code, Code::Usage);
        }
    }

    #[test]
    fn a_drop_in_carries_only_what_the_user_chose() {
        assert_eq!(render_drop_in(&Chosen::default()).unwrap(), None);
        let chosen = Chosen { bot: Some("python3 -m \"my bot\"".into()), ..Chosen::default() };
        let text = render_drop_in(&chosen).unwrap().unwrap();
        assert!(text.ends_with(
            "ConditionPathExists=\n\n[Service]\nEnvironment=\"DUCTOR_BOT=python3 -m \\\"my bot\\\"\"\n"
        ));
    }

    #[test]
    fn what_the_user_chose_is_read_back() {
        for bot in ["x", "a \"b\" \\ %h $HOME 日本", "'q' 100%"] {
            let chosen = Chosen {
                ductor_home: Some("/srv/o'brien 5%".into()),
                bot: Some(bot.into()),
                ..Chosen::default()
            };
            assert_eq!(chosen_in(&render_drop_in(&chosen).unwrap().unwrap(), Path::new("/home/u")), chosen);
        }
        assert_eq!(
            chosen_in(
                &render(&ServiceDefinition::packaged("/usr/bin/ductor")).unwrap(),
                Path::new("/home/u")
            ),
            Chosen::default()
        );
    }
}
