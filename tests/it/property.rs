//! Any home, program, or value that a user chooses either stands in a definition as independent readers see it,
//! or is refused by name. (The units are held against systemd itself too, in the lab.)

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

use ductor::error::{Code, Result};
use ductor::home::Home;
use ductor::internals::{Element, split};
use ductor::service::render::{plist, task_xml, unit};
use ductor::service::{Owner, ServiceDefinition};
use fakes::unit_file;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const CASES: usize = 10_000;
const USER: &str = "S-1-5-21-1-2-3-1001";

/// Definitions of users with unlikely names and wishes, the same every time, so that what passed once passes again.
fn definitions() -> Vec<ServiceDefinition> {
    let nasty = "[a /\\\\ %$\"'<>&;:=\\]\\[#`~!-]{0,12}";
    let text = prop_oneof![4 => nasty, 2 => "\\PC{0,12}", 1 => "(a|\\PC|[\u{1}-\u{1f}\u{7f}-\u{9f}\u{fffd}-\u{ffff}]){0,6}"];
    let path = (text.clone(), text.clone()).prop_map(|(a, b)| format!("/{a}/{b}"));
    let definition = (path.clone(), path.clone(), prop::option::of(path), prop::option::of(text));
    let mut runner = TestRunner::deterministic();
    let mut sample = || definition.new_tree(&mut runner).unwrap().current();
    std::iter::from_fn(|| Some(sample()))
        .filter_map(|(user, program, home, bot)| {
            let home = Home::of(user.into(), home.map(Into::into)).ok()?;
            Some(ServiceDefinition::for_user(program, &home, bot))
        })
        .take(CASES)
        .collect()
}

/// Renders all of them. What is refused is refused for a named reason; how many were not.
fn rendered(render: impl Fn(&ServiceDefinition) -> Result<String>) -> Vec<(ServiceDefinition, String)> {
    let rendered: Vec<_> = definitions()
        .into_iter()
        .filter_map(|definition| match render(&definition) {
            Ok(text) => Some((definition, text)),
            Err(error) => {
                assert_eq!(error.code, Code::Usage, "{definition:?}");
                assert!(!error.what.is_empty() && !error.cause.is_empty(), "{definition:?}");
                None
            }
        })
        .collect();
    assert!(rendered.len() > CASES / 4, "only {} of {CASES} were rendered", rendered.len());
    rendered
}

/// What Python reads, one value a document; none where there is no Python.
fn python(read: &str, documents: &[&str]) -> Option<Vec<Value>> {
    let script = format!("import json,sys\nfor d in json.load(sys.stdin): print(json.dumps(({read})(d)))");
    let spawned =
        Command::new("python3").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.ok()?;
    let mut input = child.stdin.take().unwrap();
    let documents = serde_json::to_vec(documents).unwrap();
    let writer = std::thread::spawn(move || input.write_all(&documents));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn with_python(
    rendered: &[(ServiceDefinition, String)],
    read: &str,
    check: impl Fn(&ServiceDefinition, &Value),
) {
    let documents: Vec<&str> = rendered.iter().map(|(_, text)| text.as_str()).collect();
    match python(read, &documents) {
        Some(read) => {
            assert_eq!(read.len(), rendered.len());
            rendered.iter().zip(&read).for_each(|((definition, _), read)| check(definition, read));
        }
        None => fakes::left_out("python3 is not there to read the definitions"),
    }
}

/// The home folder of the user, and the program.
fn paths(definition: &ServiceDefinition) -> (String, String) {
    let environment = definition.environment(match &definition.owner {
        Owner::User(home) => home,
        Owner::EachUser => panic!("{definition:?}"),
    });
    (environment[0].1.clone(), definition.program.display().to_string())
}

#[test]
fn a_unit_carries_every_value_or_refuses_it() {
    for (definition, text) in rendered(unit::render) {
        let (home, program) = paths(&definition);
        let expected: Vec<String> = definition
            .environment(home.as_ref())
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(unit_file::environment(&text, &home), expected, "{text}");
        let arguments = unit_file::arguments(&text, &home);
        let by_shell = ["/bin/sh", "-c", "exec \"$0\"", &program];
        assert!(arguments == [program.clone()] || arguments == by_shell, "{arguments:?}: {text}");
        assert_eq!(unit::chosen_in(&text, home.as_ref()), definition.chosen, "{text}");
    }
}

#[test]
fn a_property_list_carries_every_value_or_refuses_it() {
    let rendered = rendered(|definition| plist::render(definition, &[]));
    for (definition, text) in &rendered {
        let job = ::plist::Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap();
        assert_eq!(plist::chosen_in(&job), definition.chosen, "{text}");
    }
    let read = "lambda d: __import__('plistlib').loads(d.encode())";
    with_python(&rendered, read, |definition, read| {
        let (home, program) = paths(definition);
        assert_eq!(read["ProgramArguments"], json!([program]));
        assert_eq!(
            (&read["WorkingDirectory"], &read["EnvironmentVariables"]["HOME"]),
            (&json!(home), &json!(home))
        );
        let chosen = &definition.chosen;
        let variables = &read["EnvironmentVariables"];
        assert_eq!(variables.get("DUCTOR_BOT"), chosen.bot.as_ref().map(|it| json!(it)).as_ref());
        assert_eq!(variables.get("DUCTOR_HOME"), chosen.ductor_home.as_ref().map(|it| json!(it)).as_ref());
        assert_eq!(variables["DUCTOR_SUPERVISOR"], "1");
        assert_eq!(read["KeepAlive"], json!({"SuccessfulExit": false}));
    });
}

#[test]
fn a_task_carries_every_value_or_refuses_it() {
    let rendered = rendered(|definition| task_xml::render(definition, USER));
    for (definition, text) in &rendered {
        fakes::task_schema::check(&task_xml::utf16(text))
            .unwrap_or_else(|why| panic!("{why}: {definition:?}"));
        let read = Element::parse(text).map(|task| task_xml::chosen_in(&task));
        assert_eq!(read.as_ref(), Some(&definition.chosen), "{text}");
    }
    // A text that says UTF-16 of itself has to be handed over as the bytes that it is on disk.
    let read = "lambda d: {e.tag.split('}')[1]: e.text for e in \
                __import__('xml.etree.ElementTree').etree.ElementTree.fromstring(d.encode('utf-16')).iter()}";
    with_python(&rendered, read, |definition, read| {
        let (home, program) = paths(definition);
        assert_eq!(read["WorkingDirectory"], json!(home));
        assert_eq!(read["Command"], json!(task_xml::twin(program.as_ref())));
        let arguments = split(read["Arguments"].as_str().unwrap_or_default());
        let chosen = &definition.chosen;
        let home = chosen.ductor_home.iter().flat_map(|home| ["--home".into(), home.display().to_string()]);
        let bot = chosen.bot.iter().flat_map(|bot| ["--bot".into(), bot.clone()]);
        let mut expected: Vec<String> = home.chain(bot).collect();
        if !expected.is_empty() {
            expected.insert(0, "run".into());
        }
        assert_eq!(arguments, expected);
    });
}
