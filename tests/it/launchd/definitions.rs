//! Whose the agent is, and what becomes of it: ours, the Python ductor's, a package's, somebody else's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use plist::{Dictionary, Value};

use super::Mac;

/// As the Python ductor 0.20 writes it.
fn pythons(mac: &Mac) -> String {
    let script = mac.world.path("venv/ductor");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
         <key>EnvironmentVariables</key><dict><key>DUCTOR_SUPERVISOR</key><string>1</string>\
         <key>HTTPS_PROXY</key><string>proxy:1</string><key>PATH</key><string>/old</string></dict>\
         <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\
         <key>Label</key><string>dev.ductor</string>\
         <key>ProgramArguments</key><array><string>{}</string></array>\
         <key>RunAtLoad</key><true/></dict></plist>\n",
        script.display()
    )
}

fn read(mac: &Mac) -> Dictionary {
    Value::from_file(mac.agent()).unwrap().into_dictionary().unwrap()
}

#[test]
fn case_49_the_agent_of_the_python_ductor_is_taken_over_with_what_was_added() {
    let mac = Mac::new();
    mac.give(&pythons(&mac));
    fs::create_dir(mac.world.path("venv")).unwrap();
    fakes::put_script(&mac.world.path("venv/ductor"), "#!/bin/sh\nexec /bin/sleep 100\n").unwrap();
    let gui = mac.job("gui").replace("/dev.ductor", "");
    assert_eq!(mac.launchctl(&["bootstrap", &gui, mac.agent().to_str().unwrap()]), Some(0));
    crate::world::wait_for("job", || mac.state() == "running");
    assert!(mac.problems().contains(&"definition-stale".into()), "{:?}", mac.problems());

    mac.install().ended(0).with("took over the agent of the Python ductor");
    let variables = read(&mac)["EnvironmentVariables"].as_dictionary().unwrap().clone();
    assert_eq!(variables["HTTPS_PROXY"].as_string(), Some("proxy:1"));
    assert_eq!((mac.state(), mac.problems().len()), ("running".into(), 0));
    let is_old = |it: &ductor::internals::Process| it.command().first().is_some_and(|it| it == "/bin/sleep");
    assert!(!mac.world.processes().iter().any(is_old), "the old one has ended");

    // And back, as docs/migrating.md says; the Python ductor loads its agent so.
    mac.ductor(&["service", "uninstall"]).ended(0);
    assert!(!mac.agent().exists() && !mac.is_loaded("gui"));
    mac.give(&pythons(&mac));
    assert_eq!(mac.launchctl(&["load", "-w", mac.agent().to_str().unwrap()]), Some(0));
    crate::world::wait_for("its job", || mac.world.processes().iter().any(is_old));
    assert_eq!(mac.world.state()["bot"], serde_json::Value::Null, "no bot under a host");
    mac.install().ended(0).with("took over the agent of the Python ductor");
}

#[test]
fn case_37_uninstall_leaves_nothing_whatever_was_there() {
    type Begin<'a> = &'a dyn Fn(&Mac);
    let beginnings: [(&str, Begin<'_>); 6] = [
        ("never installed", &|_| {}),
        ("running", &|mac| drop(mac.install().ended(0))),
        ("not loaded", &|mac| drop(mac.install_with(&["--no-start"], &[]))),
        ("switched off", &|mac| {
            mac.install_with(&["--no-start"], &[]);
            mac.launchctl(&["disable", &mac.job("gui")]);
        }),
        ("loaded without a file", &|mac| {
            mac.install().ended(0);
            fs::remove_file(mac.agent()).unwrap();
        }),
        ("the Python ductor's", &|mac| mac.give(&pythons(mac))),
    ];
    for (what, begin) in beginnings {
        let mac = Mac::new();
        begin(&mac);
        for _ in 0..2 {
            mac.ductor(&["service", "uninstall"]).ended(0);
            assert!(!mac.agent().exists() && !mac.home_has_logs(), "{what}");
            assert_eq!(mac.launchd.get("disabled").unwrap_or_default(), "", "{what}");
            assert_eq!((mac.is_loaded("gui"), mac.state()), (false, "not-installed".into()), "{what}");
        }
    }
}

impl Mac {
    fn home_has_logs(&self) -> bool {
        self.world.home("logs/service.log").exists() || self.world.home("logs/service.err").exists()
    }
}

#[test]
fn a_foreign_agent_is_never_touched() {
    let mac = Mac::new();
    let foreign = "<plist version=\"1.0\"><dict><key>Label</key><string>dev.ductor</string>\
        <key>ProgramArguments</key><array><string>/bin/sleep</string><string>100</string></array></dict></plist>";
    mac.give(foreign);
    mac.install().ended(1).with("this agent was not made by ductor");
    mac.ductor(&["service", "uninstall"]).ended(1).with("this agent was not made by ductor");
    assert_eq!((fs::read_to_string(mac.agent()).unwrap().as_str(), mac.changes().len()), (foreign, 0));
    assert!(mac.problems().contains(&"foreign-definition".into()), "{:?}", mac.problems());
}

#[test]
fn case_35_keys_that_people_added_are_kept() {
    let mac = Mac::installed();
    let text = fs::read_to_string(mac.agent()).unwrap();
    let added =
        text.replace("<key>RunAtLoad</key>", "<key>Nice</key><integer>5</integer><key>RunAtLoad</key>");
    fs::write(mac.agent(), added.replace("<integer>10</integer>", "<integer>1</integer>")).unwrap();
    assert_eq!(mac.problems(), ["definition-stale"]);
    mac.install().ended(0);
    assert_eq!((read(&mac)["Nice"].as_signed_integer(), mac.problems().len()), (Some(5), 0));
    assert_eq!(read(&mac)["ThrottleInterval"].as_signed_integer(), Some(10));
}

#[test]
fn an_agent_of_another_version_that_says_the_same_is_no_stale_one() {
    let mac = Mac::installed();
    let text = fs::read_to_string(mac.agent()).unwrap();
    fs::write(mac.agent(), text.replacen("Made by ductor ", "Made by ductor 0.0.", 1)).unwrap();
    let host = mac.status()["pid"].clone();
    assert_eq!(mac.problems(), [""; 0]);
    mac.install().ended(0).with("already installed; nothing changed");
    assert_eq!((&mac.status()["pid"], fs::read_to_string(mac.agent()).unwrap()), (&host, text));
}

#[test]
fn what_was_chosen_is_kept_by_an_agent_that_a_program_wrote_anew_without_our_comment() {
    let mac = Mac::installed();
    let before = read(&mac);
    assert!(before["EnvironmentVariables"].as_dictionary().unwrap().contains_key("DUCTOR_BOT"));
    Value::Dictionary(before.clone()).to_file_binary(mac.agent()).unwrap();
    mac.ductor(&["service", "install"]).ended(0);
    assert_eq!((read(&mac), mac.problems().len()), (before, 0));
    assert!(fs::read_to_string(mac.agent()).unwrap().contains("<!-- Made by ductor "));
}

#[test]
fn case_34_a_folder_that_others_can_write_is_refused() {
    let mac = Mac::new();
    let folder = mac.world.path("Library/LaunchAgents");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    mac.install().ended(1).with("others than you can write it");
    fs::remove_dir(&folder).unwrap();
    symlink("/tmp", &folder).unwrap();
    mac.install().ended(1);
    fs::remove_file(&folder).unwrap();
    fs::create_dir(mac.world.path("dotfiles")).unwrap();
    symlink(mac.world.path("dotfiles"), &folder).unwrap();
    mac.install().ended(0);
    assert!(mac.world.path("dotfiles/dev.ductor.plist").is_file());
}

/// Brings an agent for every user, as a package does.
fn with_package() -> (Mac, String) {
    let mac = Mac::new();
    let folder = mac.world.path("root/Library/LaunchAgents");
    fs::create_dir_all(&folder).unwrap();
    let ductor = env!("CARGO_BIN_EXE_ductor");
    let text = mac.ductor(&["service", "render", "--packaged"]).ended(0).out;
    fs::write(folder.join("dev.ductor.plist"), text.replace("/usr/bin/ductor", ductor)).unwrap();
    let root = mac.world.path("root").display().to_string();
    (mac, root)
}

#[test]
fn an_agent_of_a_package_is_used_as_it_is_and_switched_off_by_uninstall() {
    let (mac, root) = with_package();
    let root = [("DUCTOR_TEST_ROOT", &*root)];
    let bot = mac.world.path("bot").display().to_string();
    mac.launchd
        .set(
            "setenv",
            &format!(
                "{}\nDUCTOR_BOT={bot}\nHOME={}",
                mac.launchd.get("setenv").unwrap(),
                mac.world.path("").display()
            ),
        )
        .unwrap();
    fs::create_dir_all(mac.world.home("config")).unwrap();
    // What the package's agent starts finds its bot by the environment; the check before asks for a real one.
    let install = ["service", "install"];
    let json = |mac: &Mac| -> serde_json::Value {
        serde_json::from_str(&mac.ductor_with(&["service", "status", "--json"], &root).out).unwrap()
    };
    assert_eq!((&json(&mac)["state"], &json(&mac)["packaged"]), (&"stopped".into(), &true.into()));
    mac.ductor_with(&install, &root).ended(78);
    mac.ductor_with(&["service", "uninstall"], &root).ended(0).with("belongs to a package");
    assert_eq!(json(&mac)["state"], "not-installed");
    assert_eq!(mac.launchd.get("disabled").as_deref(), Some("dev.ductor"));
}

#[test]
fn what_was_chosen_stands_before_the_agent_of_a_package() {
    let (mac, root) = with_package();
    let root = [("DUCTOR_TEST_ROOT", &*root)];
    mac.install_with(&[], &root).ended(0);
    assert!(mac.agent().exists());
    mac.ductor_with(&["service", "status"], &root).ended(0).with("the package's agent is not used");
}
