//! Whose definition it is that is found, and what becomes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::Linux;
use crate::world::Said;

#[test]
fn case_35_what_people_added_to_a_unit_is_kept_and_a_new_host_runs_by_it() {
    let linux = Linux::installed();
    let current = fs::read_to_string(linux.unit()).unwrap();
    let stale = current.replace("RestartSec=5", "RestartSec=9").replace("KillMode", "Nice=3\nKillMode");
    linux.give(&stale);
    let before = linux.status();
    assert_eq!(linux.problems(), ["definition-stale"]);
    linux.install(&[]).ended(0);
    assert_eq!(fs::read_to_string(linux.unit()).unwrap(), current);
    assert!(fs::read_to_string(linux.drop_in("kept.conf")).unwrap().ends_with("[Service]\nNice=3\n"));
    let after = linux.status();
    assert!(after["pid"] != before["pid"] && linux.problems().is_empty(), "{after:#}");
    linux.install(&[]).ended(0).with("nothing changed");
    linux.ductor(&["service", "uninstall"]).ended(0);
    assert!(linux.drop_in("kept.conf").exists(), "it is the user's");
}

#[test]
fn a_definition_of_another_version_that_says_the_same_is_no_stale_one() {
    for linux in [Linux::installed(), Linux::with_package()] {
        linux.install(&[]).ended(0);
        let file = if linux.unit().exists() { linux.unit() } else { linux.drop_in("ductor.conf") };
        let text = fs::read_to_string(&file).unwrap();
        let older = text.replacen("Made by ductor ", "Made by ductor 0.0.", 1);
        assert_ne!(older, text);
        fs::write(&file, older).unwrap();
        assert_eq!(linux.systemctl(&["daemon-reload"]), Some(0));
        let host = linux.status()["pid"].clone();
        assert_eq!(linux.problems(), [""; 0]);
        linux.install(&[]).ended(0).with("already installed; nothing changed");
        assert_eq!((&linux.status()["pid"], linux.problems().len()), (&host, 0));
    }
}

#[test]
fn a_unit_that_was_changed_and_not_read_again_is_told() {
    let linux = Linux::installed();
    let mut text = fs::read_to_string(linux.unit()).unwrap();
    text.push_str("# a note\n");
    fs::write(linux.unit(), text).unwrap();
    assert_eq!(linux.problems(), ["definition-stale"]);
    linux.install(&[]).ended(0);
    assert!(linux.problems().is_empty());
}

#[test]
fn case_49_the_unit_of_the_python_ductor_is_taken_over_with_its_extra_settings() {
    let linux = Linux::new();
    linux.give(
        "[Unit]\nDescription=ductor - Telegram bot powered by AI CLIs\n[Service]\nExecStart=/bin/sleep 1000\n\
         Environment=HTTPS_PROXY=http://proxy\n[Install]\nWantedBy=default.target\n",
    );
    linux.systemctl(&["enable", "ductor.service"]);
    linux.systemctl(&["start", "ductor.service"]);
    linux.install(&[]).ended(0).with("took over the unit of the Python ductor: ");
    assert!(fs::read_to_string(linux.drop_in("kept.conf")).unwrap().contains("HTTPS_PROXY=http://proxy"));
    assert_eq!((linux.state(), linux.problems().len(), linux.world.bots().len()), ("running".into(), 0, 1));
}

#[test]
fn what_a_unit_of_the_python_ductor_says_of_home_and_bot_is_kept_at_its_take_over() {
    let linux = Linux::new();
    let (home, bot) = (linux.world.path("my home"), linux.world.path("bot"));
    linux.give(&format!(
        "[Unit]\nDescription=ductor - Telegram bot powered by AI CLIs\n[Service]\nExecStart=/bin/sleep 1000\n\
         Environment='DUCTOR_HOME=%h/my home' A=1\nEnvironment=DUCTOR_BOT={}\n[Install]\nWantedBy=default.target\n",
        bot.display()
    ));
    linux.ductor(&["service", "install"]).ended(0).with("took over the unit of the Python ductor: ");
    let unit = fs::read_to_string(linux.unit()).unwrap();
    for (name, value) in [("DUCTOR_HOME", home), ("DUCTOR_BOT", bot)] {
        assert!(unit.contains(&format!("Environment=\"{name}={}\"\n", value.display())), "{unit}");
    }
    assert_eq!((linux.state(), linux.problems().len()), ("running".into(), 0));
}

#[test]
fn a_foreign_unit_is_refused_and_nothing_is_touched() {
    let linux = Linux::new();
    linux.give("[Unit]\nDescription=mine\n[Service]\nExecStart=/bin/sleep 1000\n");
    linux.forget_calls();
    for words in [&["service", "install", "--bot", "true"][..], &["service", "uninstall"]] {
        linux.ductor(words).ended(1).with("this unit was not made by ductor, so it stays as it is");
    }
    assert_eq!(linux.changes(), [""; 0]);
    assert!(fs::read_to_string(linux.unit()).unwrap().contains("Description=mine"));
}

#[test]
fn beside_a_packaged_unit_only_what_the_user_gave_is_written() {
    let linux = Linux::with_package();
    linux.install(&[]).ended(0);
    let status = linux.status();
    assert_eq!(
        (&status["definition"], &status["packaged"], &status["enabled"]),
        (&linux.packaged().to_str().unwrap().into(), &true.into(), &true.into())
    );
    assert!(linux.drop_in("ductor.conf").exists() && !linux.unit().exists());
    assert!(!linux.changes().iter().any(|call| call == "systemctl enable"), "it is enabled for everybody");

    linux.ductor(&["service", "uninstall"]).ended(0).with("masked, as ");
    assert_eq!(
        (linux.state(), fs::read_link(linux.unit()).unwrap()),
        ("not-installed".into(), "/dev/null".into())
    );
    assert!(!linux.drop_in("").exists());
    linux.install(&[]).ended(0);
    assert_eq!((linux.state(), linux.unit().is_symlink()), ("running".into(), false));
}

#[test]
fn a_unit_of_ours_before_the_packaged_one_is_removed() {
    let linux = Linux::installed();
    linux.package();
    assert_eq!(linux.problems(), ["shadows-package"]);
    linux.install(&[]).ended(0);
    assert_eq!((linux.status()["packaged"].clone(), linux.problems().len()), (true.into(), 0));
    assert!(!linux.unit().exists());
}

#[test]
fn the_users_own_masks_are_taken_back_and_an_administrators_is_respected() {
    for mask in [&["mask", "ductor.service"][..], &["mask", "--runtime", "ductor.service"]] {
        let linux = Linux::with_package();
        assert_eq!(linux.systemctl(mask), Some(0));
        assert_eq!((linux.state(), &*linux.problems()[0]), ("not-installed".into(), "masked"));
        linux.install(&[]).ended(0);
        assert_eq!(linux.state(), "running");
    }
    let linux = Linux::with_package();
    symlink("/dev/null", linux.root("etc/systemd/user/ductor.service")).unwrap();
    linux.install(&[]).ended(1).with("fix: sudo systemctl --global unmask ductor.service");
    assert!(!linux.world.path(".config").exists());
}

#[test]
fn the_callers_xdg_config_home_is_not_believed() {
    let linux = Linux::new();
    let bot = linux.world.path("bot");
    let mut install = linux.command(&["service", "install", "--bot", bot.to_str().unwrap()]);
    Said::of(install.env("XDG_CONFIG_HOME", linux.world.path("elsewhere"))).ended(0);
    assert!(linux.unit().exists() && !linux.world.path("elsewhere").exists());
}

#[test]
fn case_34_a_folder_in_which_others_could_plant_a_unit_is_refused() {
    let linux = Linux::new();
    let folder = linux.unit().parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    linux.install(&[]).ended(1).with("others than you can write it");
    assert_eq!((linux.changes(), fs::read_dir(&folder).unwrap().count()), (vec![], 0));
}

#[test]
fn case_04_what_no_unit_can_carry_is_refused_before_anything_is_written() {
    let linux = Linux::new();
    linux.ductor(&["service", "install", "--bot", "true a\u{7}b"]).ended(2).with("a systemd unit");
    assert!(linux.changes().is_empty() && !linux.world.path(".config").exists());
}
