//! The *schema* of a task, by which Windows accepts or refuses it: \[MS-TSCH\] 2.5, "XML Task Definition Format",
//! and the "Task Scheduler Schema" of the Windows SDK.
//!
//! Written from these as tables, for the parts that a task of ductor may have: which elements, in which order
//! where the schema says `sequence`, of which type. Stricter than Windows in one thing: elements that this table
//! does not know are refused. It reads with another parser than ductor writes with.

use roxmltree::{Document, Node};

/// The namespace of every task.
const NAMESPACE: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/// What may stand in an element.
enum Type {
    /// `true` or `false` (`xs:boolean` also has 1 and 0, which the Task Scheduler's own exports never use).
    Boolean,
    /// `xs:duration`, of days and smaller units, in seconds from .0 to .1.
    Duration(u64, u64),
    /// A whole number in this range.
    Number(i64, i64),
    /// Any text, the empty one too.
    Text,
    /// `pathType`: 1 to 260 characters.
    Path,
    /// A security identifier. The schema takes any name; a name is not stable and may be localised.
    Sid,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Elements, in this order (`xs:sequence`).
    Sequence(&'static [Field]),
    /// Elements, in any order, each at most once (`xs:all`).
    All(&'static [Field]),
}

/// An element that may stand in another.
struct Field {
    name: &'static str,
    of: Type,
    required: bool,
    attributes: &'static [(&'static str, bool)],
}

use Type::{All, Boolean, Duration, Number, OneOf, Path, Sequence, Sid, Text};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

const fn may(name: &'static str, of: Type) -> Field {
    Field { name, of, required: false, attributes: &[] }
}

const fn must(name: &'static str, of: Type) -> Field {
    Field { name, of, required: true, attributes: &[] }
}

const TASK: Field = Field {
    name: "Task",
    of: All(&[
        may("RegistrationInfo", All(REGISTRATION)),
        may("Triggers", Sequence(&[may("LogonTrigger", Sequence(LOGON_TRIGGER))])),
        may("Settings", All(SETTINGS)),
        may(
            "Principals",
            Sequence(&[Field {
                name: "Principal",
                of: All(PRINCIPAL),
                required: true,
                attributes: &[("id", true)],
            }]),
        ),
        Field {
            name: "Actions",
            of: Sequence(&[must("Exec", All(EXEC))]),
            required: true,
            attributes: &[("Context", true)],
        },
    ]),
    required: true,
    attributes: &[("version", true)],
};

const REGISTRATION: &[Field] = &[
    may("URI", Text),
    may("SecurityDescriptor", Text),
    may("Source", Text),
    may("Date", Text),
    may("Author", Text),
    may("Version", Text),
    may("Description", Text),
    may("Documentation", Text),
];

/// What all triggers have, then what this one has.
const LOGON_TRIGGER: &[Field] = &[
    may("Enabled", Boolean),
    may("StartBoundary", Text),
    may("EndBoundary", Text),
    may("ExecutionTimeLimit", Duration(0, u64::MAX)),
    may("UserId", Sid),
    may("Delay", Duration(0, u64::MAX)),
];

const SETTINGS: &[Field] = &[
    may("AllowStartOnDemand", Boolean),
    may(
        "RestartOnFailure",
        All(&[must("Interval", Duration(MINUTE, 31 * DAY)), must("Count", Number(1, 255))]),
    ),
    may("MultipleInstancesPolicy", OneOf(&["Parallel", "Queue", "IgnoreNew", "StopExisting"])),
    may("DisallowStartIfOnBatteries", Boolean),
    may("StopIfGoingOnBatteries", Boolean),
    may("AllowHardTerminate", Boolean),
    may("StartWhenAvailable", Boolean),
    may("NetworkProfileName", Text),
    may("RunOnlyIfNetworkAvailable", Boolean),
    may("WakeToRun", Boolean),
    may("Enabled", Boolean),
    may("Hidden", Boolean),
    may("DeleteExpiredTaskAfter", Duration(0, u64::MAX)),
    may(
        "IdleSettings",
        All(&[
            may("Duration", Duration(MINUTE, u64::MAX)),
            may("WaitTimeout", Duration(MINUTE, u64::MAX)),
            may("StopOnIdleEnd", Boolean),
            may("RestartOnIdle", Boolean),
        ]),
    ),
    may("ExecutionTimeLimit", Duration(0, u64::MAX)),
    may("Priority", Number(0, 10)),
    may("RunOnlyIfIdle", Boolean),
    may("UseUnifiedSchedulingEngine", Boolean),
    may("DisallowStartOnRemoteAppSession", Boolean),
];

const PRINCIPAL: &[Field] = &[
    may("UserId", Sid),
    may("LogonType", OneOf(&["S4U", "Password", "InteractiveToken", "InteractiveTokenOrPassword"])),
    may("GroupId", Sid),
    may("DisplayName", Text),
    may("RunLevel", OneOf(&["LeastPrivilege", "HighestAvailable"])),
    may("ProcessTokenSidType", OneOf(&["None", "Unrestricted"])),
];

const EXEC: &[Field] = &[must("Command", Path), may("Arguments", Text), may("WorkingDirectory", Path)];

/// Checks the bytes that `schtasks.exe /Create /XML` is given.
///
/// # Errors
/// What is wrong with them, for people.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let text = decode(bytes)?;
    let document = Document::parse(&text).map_err(|error| format!("not well-formed: {error}"))?;
    let root = document.root_element();
    if root.tag_name().name() != TASK.name {
        return Err(format!("the root is {}", root.tag_name().name()));
    }
    element(root, &TASK)?;
    let id = descendant(root, "Principal").and_then(|it| it.attribute("id"));
    let context = descendant(root, "Actions").and_then(|it| it.attribute("Context"));
    if id != context {
        return Err(format!("Context {context:?} names no principal ({id:?})"));
    }
    Ok(())
}

/// UTF-16 with the little end first, with a byte order mark, and said to be so.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) else {
        return Err("no byte order mark of UTF-16LE".into());
    };
    if rest.len() % 2 != 0 {
        return Err("half a character at the end".into());
    }
    let pairs: Vec<u16> = rest.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&pairs).map_err(|error| error.to_string())?;
    let declaration = text.split("?>").next().unwrap_or_default();
    if !declaration.contains("encoding=\"UTF-16\"") {
        return Err(format!("declared as {declaration}"));
    }
    Ok(text)
}

fn descendant<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.descendants().find(|it| it.tag_name().name() == name)
}

fn element(node: Node<'_, '_>, field: &Field) -> Result<(), String> {
    let name = field.name;
    if node.tag_name().namespace() != Some(NAMESPACE) {
        return Err(format!("{name}: the namespace is {:?}", node.tag_name().namespace()));
    }
    for attribute in node.attributes() {
        if !field.attributes.iter().any(|(known, _)| *known == attribute.name()) {
            return Err(format!("{name}: the attribute {} is not known", attribute.name()));
        }
    }
    if let Some((missing, _)) =
        field.attributes.iter().find(|(it, required)| *required && node.attribute(*it).is_none())
    {
        return Err(format!("{name}: the attribute {missing} is missing"));
    }
    match &field.of {
        Sequence(fields) => children(node, fields, true),
        All(fields) => children(node, fields, false),
        simple => {
            if node.children().any(|child| child.is_element()) {
                return Err(format!("{name}: elements where text belongs"));
            }
            let text: String = node.children().filter_map(|child| child.text()).collect();
            if holds(simple, &text) { Ok(()) } else { Err(format!("{name}: {text:?} is no valid value")) }
        }
    }
}

fn children(node: Node<'_, '_>, fields: &[Field], in_order: bool) -> Result<(), String> {
    let name = node.tag_name().name();
    let stray =
        node.children().filter(Node::is_text).any(|it| !it.text().unwrap_or_default().trim().is_empty());
    if stray {
        return Err(format!("{name}: text between elements"));
    }
    let mut seen: Vec<usize> = Vec::new();
    for child in node.children().filter(Node::is_element) {
        let it = child.tag_name().name();
        let Some(at) = fields.iter().position(|field| field.name == it) else {
            return Err(format!("{name}: {it} does not belong there"));
        };
        if seen.contains(&at) {
            return Err(format!("{name}: {it} is there twice"));
        }
        if in_order && seen.last().is_some_and(|last| *last > at) {
            return Err(format!("{name}: {it} comes too late"));
        }
        seen.push(at);
        element(child, &fields[at])?;
    }
    match fields.iter().enumerate().find(|(at, field)| field.required && !seen.contains(at)) {
        Some((_, missing)) => Err(format!("{name}: {} is missing", missing.name)),
        None => Ok(()),
    }
}

fn holds(of: &Type, text: &str) -> bool {
    match of {
        Boolean => matches!(text, "true" | "false"),
        Duration(least, most) => seconds(text).is_some_and(|it| (*least..=*most).contains(&it)),
        Number(least, most) => text.parse::<i64>().is_ok_and(|it| (*least..=*most).contains(&it)),
        Text => true,
        Path => (1..=260).contains(&text.encode_utf16().count()),
        Sid => is_sid(text),
        OneOf(words) => words.contains(&text),
        Sequence(_) | All(_) => false,
    }
}

/// `S-1-AUTHORITY-SUBAUTHORITY...`: \[MS-DTYP\] 2.4.2.1.
fn is_sid(text: &str) -> bool {
    let numbers: Vec<&str> = text.strip_prefix("S-1-").unwrap_or_default().split('-').collect();
    numbers.len() >= 2 && numbers.iter().all(|number| number.parse::<u64>().is_ok())
}

/// `PnDTnHnMnS`, with at least one part and none after a bare `T`.
fn seconds(text: &str) -> Option<u64> {
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').map_or((text, None), |(days, time)| (days, Some(time)));
    let mut total = 0;
    let mut parts = 0;
    for (text, units) in [(Some(days), &[('D', DAY)][..]), (time, &[('H', 3600), ('M', 60), ('S', 1)][..])] {
        let mut rest = text.unwrap_or_default();
        for (unit, worth) in units {
            if let Some((number, after)) = rest.split_once(*unit) {
                total += number.parse::<u64>().ok()? * worth;
                (rest, parts) = (after, parts + 1);
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (parts > 0 && time != Some("")).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    fn task(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task version=\"1.2\" xmlns=\"{NAMESPACE}\">\
             <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>S-1-5-21-1</UserId><Delay>PT10S</Delay>\
             </LogonTrigger></Triggers><Settings><Priority>4</Priority>{inside}</Settings>\
             <Principals><Principal id=\"A\"/></Principals>\
             <Actions Context=\"A\"><Exec><Command>c</Command></Exec></Actions></Task>"
        )
    }

    #[test]
    fn what_windows_takes_passes() {
        check(&bytes(&task("<Hidden>false</Hidden>"))).unwrap();
    }

    #[test]
    fn what_windows_refuses_is_refused() {
        let good = task("");
        for (from, to) in [
            (
                "<Enabled>true</Enabled><UserId>S-1-5-21-1</UserId>",
                "<UserId>S-1-5-21-1</UserId><Enabled>true</Enabled>",
            ),
            ("<Delay>PT10S</Delay>", "<Delay>10</Delay>"),
            ("<Delay>PT10S</Delay>", "<Delay>PT</Delay>"),
            ("<Priority>4", "<Priority>11"),
            ("<Enabled>true", "<Enabled>yes"),
            ("S-1-5-21-1<", "alice<"),
            ("<Command>c</Command>", ""),
            ("<Command>c", "<Command>"),
            ("Settings>", "Setings>"),
            ("Context=\"A\"", "Context=\"B\""),
            ("mit/task", "mit/tusk"),
            ("UTF-16", "UTF-8"),
            ("</Task>", ""),
            ("<Principals>", "<Principals>x"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            check(&bytes(&bad)).expect_err(&bad);
        }
        check(good.as_bytes()).expect_err("no byte order mark");
        let twice = "<Hidden>true</Hidden><Hidden>true</Hidden>";
        check(&bytes(&task(twice))).expect_err(twice);
    }

    #[test]
    fn durations_are_those_of_xml_schema() {
        let read = ["PT10S", "PT1M", "P1DT2H", "PT0S", "P31D", "PT72H"].map(seconds);
        assert_eq!(read, [10, 60, DAY + 7200, 0, 31 * DAY, 3 * DAY].map(Some));
        for bad in ["", "P", "PT", "10S", "PT1", "PT1S2M", "P1", "P1DT", "PT-1S"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
