//! What people added to a unit by hand, so that rewriting the unit loses nothing: the added lines go to a
//! drop-in of their own.

use std::borrow::Cow;

use crate::service::render::unit_syntax::{logical_lines, words};

/// Keys whose value ductor (or the Python ductor) decides. Other keys are the user's.
const OURS: [&str; 20] = [
    "Description",
    "Documentation",
    "StartLimitIntervalSec",
    "StartLimitBurst",
    "ConditionFileIsExecutable",
    "ConditionPathExists",
    "Type",
    "ExecStart",
    "WorkingDirectory",
    "Restart",
    "RestartSec",
    "RestartPreventExitStatus",
    "TimeoutStopSec",
    "KillMode",
    "OOMPolicy",
    "SyslogIdentifier",
    "WantedBy",
    // The Python ductor's; neither does anything in a user manager, which has no such target.
    "After=network-online.target",
    "Wants=network-online.target",
    "Environment",
];

/// Variables that ductor decides.
const OUR_VARIABLES: [&str; 5] = ["PATH=", "HOME=", "DUCTOR_SUPERVISOR=", "DUCTOR_HOME=", "DUCTOR_BOT="];

/// The lines that people added to `unit`, in their sections; none when they added nothing. What stands before every
/// section systemd does not read, and it shall not begin to.
pub fn additions(unit: &str) -> Option<String> {
    let (mut kept, mut section, mut named) = (String::new(), "", "");
    for line in logical_lines(unit) {
        if line.starts_with('[') {
            section = line;
        } else if let Some(line) = added(line).filter(|_| !section.is_empty()) {
            if section != named {
                kept.push_str(section);
                kept.push('\n');
                named = section;
            }
            kept.push_str(&line);
            kept.push('\n');
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// The text of the drop-in for such lines, with what is in it already.
pub fn drop_in(before: Option<&str>, added: &str) -> String {
    match before {
        Some(before) if before.contains(added) => before.to_owned(),
        Some(before) => format!("{}\n{added}", before.trim_end()),
        None => format!("# Kept by `ductor service install` from the unit it rewrote.\n{added}"),
    }
}

/// The text of a unit with such lines at its end: what its sections have is a sum (systemd.syntax(7)).
pub fn in_place(unit: &str, added: &str) -> String {
    format!("{unit}\n# Yours, kept by `ductor service install`.\n{added}")
}

/// What of a line people added.
fn added(line: &str) -> Option<Cow<'_, str>> {
    let Some((key, value)) = line.split_once('=') else {
        return (!line.is_empty() && !line.starts_with(['#', ';'])).then_some(line.into());
    };
    if key.trim() == "Environment" {
        return added_variables(line, value);
    }
    (!OURS.contains(&key.trim()) && !OURS.contains(&line.trim())).then_some(line.into())
}

/// The assignments of one line `Environment=`, which may hold several, without ours.
fn added_variables<'a>(line: &'a str, value: &str) -> Option<Cow<'a, str>> {
    let is_ours = |word: &&str| {
        let word = word.trim_start_matches(['"', '\'']);
        OUR_VARIABLES.iter().any(|variable| word.starts_with(variable))
    };
    let all = words(value);
    let added: Vec<&str> = all.iter().copied().filter(|word| !is_ours(word)).collect();
    match added.len() {
        0 if !all.is_empty() => None,
        count if count == all.len() => Some(line.into()),
        _ => Some(format!("Environment={}", added.join(" ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::service::ServiceDefinition;
    use crate::service::render::unit;

    #[test]
    fn nothing_of_ours_counts_as_added() {
        let home = Home::of_any_system("/home/u", "/srv/x");
        let definition = ServiceDefinition::for_user("/d", &home, Some("bot".into()));
        assert_eq!(additions(&unit::render(&definition).unwrap()), None);
        assert_eq!(additions(&unit::render(&ServiceDefinition::packaged("/usr/bin/ductor")).unwrap()), None);
    }

    #[test]
    fn what_people_added_is_kept_with_its_section() {
        let unit = "[Unit]\nAfter=network-online.target\nAfter=tor.service\n[Service]\nExecStart=/x\n\
                    MemoryMax=2G\nEnvironment=\"PATH=/bin\"\nEnvironment=HTTPS_PROXY=a \\\n  B=c\n";
        assert_eq!(
            additions(unit).unwrap(),
            "[Unit]\nAfter=tor.service\n[Service]\nMemoryMax=2G\nEnvironment=HTTPS_PROXY=a \\\n  B=c\n"
        );
        let mixed = "[Service]\nEnvironment=\"PATH=/a b\" 'X=1 2' DUCTOR_HOME=/x Y=\\\"3\n";
        assert_eq!(additions(mixed).unwrap(), "[Service]\nEnvironment='X=1 2' Y=\\\"3\n");
    }

    #[test]
    fn a_comment_behind_blanks_takes_no_line_with_it() {
        let unit = "[Service]\n  # a=b \\\n  Nice=3\n";
        let once = additions(unit).unwrap();
        assert_eq!(once, "[Service]\n# a=b \\\nNice=3\n");
        assert_eq!(additions(&in_place("[Service]\nExecStart=/x\n", &once)), Some(once));
    }

    #[test]
    fn what_stands_in_no_section_is_not_moved_into_one() {
        assert_eq!(additions("ExecStartPre=/bin/x\n[Service]\nExecStart=/x\n"), None);
    }

    #[test]
    fn kept_lines_are_kept_again() {
        let home = Home::of_any_system("/home/u", "/home/u/.ductor");
        let unit = unit::render(&ServiceDefinition::for_user("/d", &home, None)).unwrap();
        let added = "[Service]\nMemoryMax=2G\n";
        assert_eq!(additions(&in_place(&unit, added)).as_deref(), Some(added));
        let first = drop_in(None, added);
        assert_eq!(drop_in(Some(&first), added), first);
        assert!(drop_in(Some(&first), "[Unit]\nAfter=x\n").ends_with("MemoryMax=2G\n[Unit]\nAfter=x\n"));
    }
}
