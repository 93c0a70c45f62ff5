//! What the scheduler and its users make of a definition: the scheduler adds elements and leaves out what is the
//! default; people set options and add triggers in its window. None of that makes a task stale, and none of it is
//! lost when the task is written anew.

use crate::service::render::element::Element;

use super::user::User;

/// What Windows takes where an element is missing (\[MS-TSCH\] 2.5.3 and 2.5.4).
const DEFAULTS: [(&str, &str); 10] = [
    ("Enabled", "true"),
    ("RunLevel", "LeastPrivilege"),
    ("AllowStartOnDemand", "true"),
    ("AllowHardTerminate", "true"),
    ("RunOnlyIfNetworkAvailable", "false"),
    ("WakeToRun", "false"),
    ("Hidden", "false"),
    ("MultipleInstancesPolicy", "IgnoreNew"),
    ("RestartOnIdle", "false"),
    ("RunOnlyIfIdle", "false"),
];

/// Other matters: whether the task is enabled, and the version that made it.
const NOT_COMPARED: [(&str, &str); 2] = [("Settings", "Enabled"), ("RegistrationInfo", "Source")];

/// The task `found` does what `wanted` says, whatever else stands in it.
pub fn holds(found: &Element, wanted: &Element, user: &User) -> bool {
    let part = |child: &Element| {
        NOT_COMPARED.contains(&(wanted.name.as_str(), child.name.as_str())) || child_holds(found, child, user)
    };
    // An action with one part more is another action.
    let exact = matches!(wanted.name.as_str(), "Actions" | "Exec");
    (!exact || found.children.len() == wanted.children.len()) && wanted.children.iter().all(part)
}

fn child_holds(found: &Element, child: &Element, user: &User) -> bool {
    let mut same_name = found.children.iter().filter(|it| it.name == child.name).peekable();
    if same_name.peek().is_none() {
        return DEFAULTS.contains(&(child.name.as_str(), child.text.as_str()));
    }
    same_name.any(|it| match child.name.as_str() {
        _ if !child.children.is_empty() => holds(it, child, user),
        "UserId" => user.is(&it.text) && user.is(&child.text),
        _ => it.text == child.text,
    })
}

/// `wanted` with what people added to `found`: settings that we have no opinion on, triggers, and the version without
/// which Windows takes no newer setting.
pub fn with_additions(wanted: &Element, found: &Element) -> Element {
    let mut task = wanted.clone();
    add(&mut task, found, &["Settings"]);
    add(&mut task, found, &["Settings", "IdleSettings"]);
    add(&mut task, found, &["Triggers"]);
    let its = task.attributes.iter_mut().find(|(name, _)| name == "version");
    if let (Some((_, its)), Some(known)) = (its, found.attribute("version")) {
        if *known > **its {
            *its = known.into();
        }
    }
    task
}

fn add(task: &mut Element, found: &Element, way: &[&str]) {
    let place = way
        .iter()
        .try_fold(task, |element, name| element.children.iter_mut().find(|child| child.name == *name));
    if let (Some(place), Some(found)) = (place, found.at(way)) {
        // One of each name is ours; there may be more triggers of its kind.
        let mut ours: Vec<String> = place.children.iter().map(|it| it.name.clone()).collect();
        let mut take = |name: &String| ours.iter().position(|it| it == name).map(|at| ours.remove(at));
        let new: Vec<Element> =
            found.children.iter().filter(|it| take(&it.name).is_none()).cloned().collect();
        place.children.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::service::definition::ServiceDefinition;
    use crate::service::render::task_xml::tree;

    fn wanted(bot: Option<&str>) -> Element {
        let home = Home::of_any_system("C:/Users/u", "C:/Users/u/.ductor");
        tree(&ServiceDefinition::for_user("/ductor", &home, bot.map(Into::into)), "S-1-0-0").unwrap()
    }

    /// The task as it would be with this text in place of that.
    fn changed(from: &str, to: &str) -> Element {
        let text = wanted(None).document("UTF-16").unwrap();
        assert!(text.contains(from), "{from}");
        Element::parse(&text.replace(from, to)).unwrap()
    }

    #[test]
    fn what_windows_adds_and_leaves_out_is_no_difference() {
        let user = User::unknown();
        for (from, to) in [
            ("<Hidden>false</Hidden>", ""),
            ("<RegistrationInfo>", "<RegistrationInfo><URI>\\ductor</URI>"),
            ("<IdleSettings>", "<IdleSettings><Duration>PT10M</Duration>"),
            ("version=\"1.2\"", "version=\"1.4\""),
            ("Made by ductor ", "Made by ductor 0."),
            (
                "<Priority>4</Priority>\n    <RunOnlyIfIdle>false",
                "<Priority>4</Priority><Enabled>false</Enabled><RunOnlyIfIdle>false",
            ),
        ] {
            assert!(holds(&changed(from, to), &wanted(None), &user), "{to}");
        }
    }

    #[test]
    fn another_trigger_of_the_same_kind_is_kept_and_the_version_that_a_setting_needs() {
        let (user, wanted) = (User::unknown(), wanted(None));
        let own = "<LogonTrigger><Delay>PT5M</Delay></LogonTrigger>";
        let found = changed("<Triggers>", &format!("<Triggers>{own}"));
        assert!(holds(&found, &wanted, &user));
        let text = changed("version=\"1.2\"", "version=\"1.4\"").document("UTF-16").unwrap();
        let found = text.replace("</Triggers>", &format!("{own}</Triggers>"));
        let found = Element::parse(&found.replace("PT0S<", "PT72H<")).unwrap();
        let mended = with_additions(&wanted, &found);
        assert!(holds(&mended, &wanted, &user));
        assert_eq!(mended.attribute("version"), Some("1.4"));
        let delays = mended.at(&["Triggers"]).unwrap().children.iter().map(|it| it.text_at(&["Delay"]));
        assert_eq!(delays.collect::<Vec<_>>(), [Some("PT10S"), Some("PT5M")]);
    }

    #[test]
    fn what_ends_the_bot_sooner_or_runs_another_program_is_one() {
        let user = User::unknown();
        for (from, to) in [
            ("<DisallowStartIfOnBatteries>false", "<DisallowStartIfOnBatteries>true"),
            ("<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>", ""),
            ("<ExecutionTimeLimit>PT0S", "<ExecutionTimeLimit>PT72H"),
            ("<StopOnIdleEnd>false", "<StopOnIdleEnd>true"),
            ("<UserId>S-1-0-0</UserId>", "<UserId>S-1-5-18</UserId>"),
            ("<Delay>PT10S</Delay>", ""),
            ("/ductorw", "/ductorx"),
            ("<WorkingDirectory>", "<Arguments>run --bot x</Arguments><WorkingDirectory>"),
            ("</Exec>", "</Exec><Exec><Command>x</Command></Exec>"),
            ("<RunLevel>LeastPrivilege", "<RunLevel>HighestAvailable"),
        ] {
            assert!(!holds(&changed(from, to), &wanted(None), &user), "{to}");
        }
        assert!(!holds(&wanted(None), &wanted(Some("x")), &user));
    }

    #[test]
    fn what_people_added_is_kept() {
        let found = changed("<Settings>", "<Settings><DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>");
        let task = with_additions(&wanted(Some("x")), &found);
        assert_eq!(task.text_at(&["Settings", "DeleteExpiredTaskAfter"]), Some("PT0S"));
        assert_eq!(task.text_at(&["Settings", "Priority"]), Some("4"));
        assert!(task.text_at(&["Actions", "Exec", "Arguments"]).is_some());
    }
}
