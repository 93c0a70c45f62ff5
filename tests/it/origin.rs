//! Taking the program away, and another version in its place, as far as it shows without an installer. (With one: the
//! lab's `installer`.)

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::process::{Output, Stdio};

use crate::world::{World, wait_for};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ductor");

/// Whatever manager the machine of the tests has, it is not asked.
fn without_manager(world: &World, words: &[&str]) -> (Output, String) {
    let mut command = world.ductor(words);
    let output =
        command.env("PATH", world.only_ductor()).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn a_program_that_was_put_there_by_hand_is_left_to_that_hand() {
    let world = World::new("");
    std::fs::create_dir_all(world.path(".local/share/ductor/bot/1")).unwrap();
    for _ in 0..2 {
        let (output, said) = without_manager(&world, &["uninstall"]);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(output.stdout, b"nothing that ductor installed is left\n");
        assert!(
            said.ends_with(&format!("by hand; to remove it: rm {}\n", shell_words::quote(PROGRAM))),
            "{said}"
        );
        assert!(!world.path(".local/share/ductor").exists());
    }
    let (output, said) = without_manager(&world, &["upgrade"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.starts_with(&format!(
            "error: ductor upgrade: {PROGRAM} was put there by hand, so no installer knows it\n  fix: "
        )),
        "{said}"
    );
}

/// The receipt as the installer of cargo-dist 0.33 writes it. (The installer itself: the lab's `installer`.)
#[test]
fn what_cargo_dists_installer_placed_is_known_by_its_receipt() {
    let world = World::new("");
    let (bin, config) = (world.path(".local/bin"), world.path(".config/ductor"));
    std::fs::create_dir_all(&config).unwrap();
    crate::fakes::put_ductor(&bin, "ductor");
    let receipt = serde_json::json!({
        "binaries": ["ductor", "../precious"], "binary_aliases": {}, "cdylibs": [], "cstaticlibs": [],
        "install_layout": "flat", "install_prefix": bin, "modify_path": true,
        "provider": {"source": "cargo-dist", "version": "0.33.0"},
        "source": {"app_name": "ductor", "name": "ductor", "owner": "PleasePrompto", "release_type": "github"},
        "version": "0.1.0",
    });
    std::fs::write(config.join("ductor-receipt.json"), receipt.to_string()).unwrap();
    std::fs::write(world.path(".local/precious"), "").unwrap();
    let type_in = |words: &[&str]| {
        let mut command = world.command(bin.join("ductor").as_path());
        command.args(words).env("PATH", world.path("")).env_remove("XDG_CONFIG_HOME");
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = type_in(&["upgrade"]);
    assert!(code == Some(1) && said.contains("belongs to cargo-dist's installer"), "{said}");
    assert!(said.contains("/releases/latest/download/ductor-installer.sh | sh"), "{said}");
    let (code, said) = type_in(&["uninstall"]);
    assert!(code == Some(0) && said.contains("removed what cargo-dist's installer placed"), "{said}");
    assert!(!config.exists() && !bin.join("ductor").exists() && world.path(".local/precious").exists());
}

#[test]
fn the_bots_own_files_go_only_when_that_is_confirmed() {
    let world = World::new("");
    std::fs::create_dir_all(world.home("config")).unwrap();
    let (output, said) = without_manager(&world, &["uninstall", "--purge"]);
    assert_eq!((output.status.code(), world.home("config").exists()), (Some(1), true));
    assert!(said.contains("ductor uninstall --purge --yes\n  fix: ductor uninstall\n"), "{said}");
    let (output, _) = without_manager(&world, &["uninstall", "--purge", "--yes", "--dry-run"]);
    let removal = format!("remove {} and all in it\n", world.path(".ductor").display());
    assert_eq!((String::from_utf8_lossy(&output.stdout), output.status.code()), (removal.into(), Some(0)));
    assert!(world.home("config").exists());
    let (output, _) = without_manager(&world, &["uninstall", "--purge", "--yes"]);
    assert_eq!((output.status.code(), world.home("").exists()), (Some(0), false));
}

#[test]
fn what_may_hold_more_than_a_bot_is_not_removed_whole() {
    let world = World::new("");
    let (elsewhere, link) = (world.path("elsewhere"), world.path("link"));
    std::fs::create_dir_all(elsewhere.join("config")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    for (home, cause) in [
        (world.path(""), "your own home folder is in it"),
        ("/".into(), "your own home folder is in it"),
        (link, "it is a link"),
        (elsewhere.clone(), "it holds no configuration of the bot"),
    ] {
        let mut command = world.ductor(&["uninstall", "--purge", "--yes"]);
        let output = command.env("DUCTOR_HOME", &home).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(cause), "{}: {said}", home.display());
        assert!(elsewhere.join("config").exists() && world.path("bot").exists());
    }
}

#[test]
fn an_agent_can_not_take_away_what_it_runs_under() {
    let world = World::new(
        "trap 'exit 0' TERM
        { $DUCTOR uninstall --purge --yes; echo $?; } >answer 2>&1
        echo $$ >>bots
        while :; do sleep 100 & wait $!; done",
    );
    let mut command = world.ductor(&[]);
    let _host = world.start(command.env("DUCTOR", PROGRAM));
    wait_for("an answer", || !world.bots().is_empty());
    let answer = world.read("answer");
    assert!(answer.contains("inside the bot") && answer.ends_with("\n1\n"), "{answer}");
    assert!(world.home("host.lock").exists());
}

#[test]
fn an_older_version_is_placed_only_when_it_was_asked_for() {
    let world = World::new("");
    let archive = world.path("archive");
    std::fs::create_dir_all(&archive).unwrap();
    std::fs::copy(PROGRAM, archive.join("ductor")).unwrap();
    let place = ["place", archive.to_str().unwrap(), "--from", "http://127.0.0.1:9/latest/download"];
    assert!(without_manager(&world, &place).0.status.success());
    let receipt = world.path(".local/share/ductor/install.json");
    let newer = std::fs::read_to_string(&receipt).unwrap().replace(env!("CARGO_PKG_VERSION"), "99.0.0");
    std::fs::write(&receipt, &newer).unwrap();
    let (output, said) = without_manager(&world, &place);
    assert_eq!(output.status.code(), Some(1));
    let this = env!("CARGO_PKG_VERSION");
    let refused = format!("error: ductor {this}: a newer one is here: 99.0.0; nothing was changed\n  fix: ");
    assert!(said.starts_with(&refused), "{said}");
    assert_eq!(std::fs::read_to_string(&receipt).unwrap(), newer);
    let (asked_for, said) = without_manager(&world, &[&place[..], &["--asked-for"]].concat());
    assert!(asked_for.status.success(), "{said}");
}

/// What the installer calls, cut at each of its effects in turn: everything is as before, or all of it is there.
#[test]
fn placing_is_everything_or_nothing() {
    let world = World::new("");
    let archive = world.path("archive");
    std::fs::create_dir_all(archive.join("man")).unwrap();
    std::fs::copy(PROGRAM, archive.join("ductor")).unwrap();
    std::fs::write(archive.join("man/ductor.1"), "a page").unwrap();
    let program = world.path(".local/bin/ductor");
    let words = ["place", archive.to_str().unwrap(), "--from", "http://127.0.0.1:9/latest/download"];
    for cut in 1.. {
        let mut command = world.ductor(&words);
        let output = command
            .env("DUCTOR_FAULT", cut.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        if output.status.success() {
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", program.display()));
            assert!(cut > 4, "{cut}");
            break;
        }
        assert!(!world.path(".local").exists(), "cut at effect {cut}");
    }
    assert_eq!(world.read(".local/share/man/man1/ductor.1"), "a page");
    // It knows now who put it there.
    let mut uninstall = world.command(&program);
    let uninstalled =
        uninstall.arg("uninstall").env("PATH", world.path("")).stderr(Stdio::null()).status().unwrap();
    assert!(uninstalled.success() && !world.path(".local").exists());
}

#[test]
fn a_rehearsal_tells_each_folder_and_file_once() {
    let world = World::new("");
    let archive = world.path("archive");
    std::fs::create_dir_all(archive.join("man")).unwrap();
    std::fs::copy(PROGRAM, archive.join("ductor")).unwrap();
    for page in ["ductor.1", "ductor-run.1"] {
        std::fs::write(archive.join("man").join(page), page).unwrap();
    }
    let place = ["place", archive.to_str().unwrap(), "--from", "http://127.0.0.1:9", "--dry-run"];
    let (output, said) = without_manager(&world, &place);
    assert!(output.status.success(), "{said}");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> =
        told.lines().filter(|line| line.starts_with("create ") || line.starts_with("write ")).collect();
    assert!(lines.iter().any(|line| line.ends_with("share/man/man1")), "{told}");
    assert!(lines.iter().any(|line| line.ends_with("install.json")), "{told}");
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "{told}");
}
