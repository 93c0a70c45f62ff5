//! What people added to a unit by hand, so that rewriting the unit loses nothing: the added lines go to a
//! drop-in of their own.

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

/// The text of a drop-in with the lines that people added to `unit`; none when they added nothing.
pub fn additions(unit: &str) -> Option<String> {
    let (mut kept, mut section, mut named) = (String::new(), "", "");
    for line in logical_lines(unit) {
        if line.starts_with('[') {
            section = line;
        } else if !is_ours(line) {
            if section != named {
                kept.push_str(section);
                kept.push('\n');
                named = section;
            }
            kept.push_str(line);
            kept.push('\n');
        }
    }
    (!kept.is_empty())
        .then(|| format!("# Kept by `ductor service install` from the unit it rewrote.\n{kept}"))
}

fn is_ours(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else {
        return line.is_empty() || line.starts_with(['#', ';']);
    };
    if key.trim() == "Environment" {
        let value = value.trim().trim_start_matches('"');
        return OUR_VARIABLES.iter().any(|variable| value.starts_with(variable));
    }
    OURS.contains(&key.trim()) || OURS.contains(&line.trim())
}

/// Lines with their continuations (systemd.syntax(7): a backslash at the end of a line).
fn logical_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        loop {
            end = rest[end..].find('\n').map_or(rest.len(), |found| end + found + 1);
            let line = rest[..end].trim_end_matches('\n');
            if end == rest.len() || !line.ends_with('\\') || line.starts_with(['#', ';']) {
                rest = &rest[end..];
                return Some(line.trim_start());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::service::ServiceDefinition;
    use crate::service::render::unit;

    #[test]
    fn nothing_of_ours_counts_as_added() {
        let home = Home::of("/home/u".into(), Some("/srv/x".into())).unwrap();
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
            "# Kept by `ductor service install` from the unit it rewrote.\n[Unit]\nAfter=tor.service\n\
             [Service]\nMemoryMax=2G\nEnvironment=HTTPS_PROXY=a \\\n  B=c\n"
        );
    }
}
