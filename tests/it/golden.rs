//! *Golden files*: the definitions as they are, byte for byte, in `tests/golden`, the same on every system.
//!
//! After a change that is meant: `UPDATE_GOLDEN=1 cargo test --test it golden`, and look at the difference.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use ductor::home::Home;
use ductor::service::Chosen;
use ductor::service::ServiceDefinition;
use ductor::service::render::{plist, task_xml, unit};

/// A user of Windows by id; no machine has this one.
const ALICE: &str = "S-1-5-21-1111111111-2222222222-3333333333-1001";

fn user(home: &str, program: &str) -> ServiceDefinition {
    ServiceDefinition::for_user(program, &Home::of(home.into(), None).unwrap(), None)
}

fn chosen(mut definition: ServiceDefinition, home: &str) -> ServiceDefinition {
    definition.chosen = Chosen {
        ductor_home: Some(home.into()),
        bot: Some("\"my python\" -m ductor_bot --note 'a & b'".into()),
        direct: None,
    };
    definition
}

/// Compares with the file `name`, or writes it when asked to. The version of ductor is in every definition and
/// in none of the files.
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = text.replace(concat!("ductor ", env!("CARGO_PKG_VERSION")), "ductor VERSION");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(golden == text, "{} is no longer what is rendered:\n{text}", path.display());
}

#[test]
fn the_systemd_unit() {
    let alice = user("/home/alice", "/home/alice/.local/bin/ductor");
    check("ductor.service", &unit::render(&alice).unwrap());
    check("ductor.packaged.service", &unit::render(&ServiceDefinition::packaged("/usr/bin/ductor")).unwrap());
    let drop_in = unit::render_drop_in(&chosen(alice, "/srv/o'brien x%h$y").chosen).unwrap().unwrap();
    check("ductor.service.d.conf", &drop_in);
}

#[test]
fn the_launchd_property_list() {
    let alice = user("/Users/alice", "/opt/homebrew/bin/ductor");
    let found: [PathBuf; 1] = ["/Users/alice/.nvm/versions/node/v22.11.0/bin".into()];
    check("dev.ductor.plist", &plist::render(&alice, &found).unwrap());
    check("dev.ductor.chosen.plist", &plist::render(&chosen(alice, "/Volumes/B & B"), &[]).unwrap());
    let packaged = ServiceDefinition::packaged("/usr/local/bin/ductor");
    check("dev.ductor.packaged.plist", &plist::render(&packaged, &[]).unwrap());
}

#[test]
fn the_task_of_windows() {
    let alice = user("/Users/alice", r"C:\Users\alice\AppData\Local\ductor\ductor.exe");
    let render = |name: &str, definition: &ServiceDefinition| {
        let text = task_xml::render(definition, ALICE).unwrap();
        fakes::task_schema::check(&task_xml::utf16(&text)).unwrap();
        check(name, &text);
    };
    render("ductor_task.xml", &alice);
    render("ductor_task.packaged.xml", &ServiceDefinition::packaged(r"C:\Program Files\ductor\ductor.exe"));
    let mut direct = alice.clone();
    direct.chosen.direct = Some(r"C:\Users\alice\Python 3\pythonw.exe".into());
    render("ductor_task.direct.xml", &direct);
    render("ductor_task.chosen.xml", &chosen(alice, r"D:\B & B"));
}
