//! The life of a service, every verb of it, under each manager: from a machine that has none to one that has none again.

use std::fs;

use super::Session;
use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine as Windows;
use crate::world::{BOT, Said, World, wait_for};

/// A bot that is chosen, so that nobody asks how it is configured.
fn install(world: &World) -> String {
    format!("service install --bot {}", world.path("bot").display())
}

fn from_nothing_to_nothing(session: &mut Session, world: &World, ductor: &dyn Fn(&[&str]) -> Said) {
    fs::create_dir_all(world.path(".local/bin")).unwrap();
    std::os::unix::fs::symlink("/bin/true", world.path(".local/bin/claude")).unwrap();
    let mut type_in = |all: &[&str]| all.iter().for_each(|words| session.run(words, ductor));
    type_in(&["service status", "service doctor", "service start", "service restart", "service install"]);
    type_in(&["status", "restart", &format!("{} --dry-run", install(world)), &install(world)]);
    type_in(&["service install", "service install --dry-run", "service status", "status", "run"]);
    type_in(&[
        "service doctor",
        "service logs --no-follow -n 1",
        "service logs --no-follow -n 0",
        "service render",
    ]);
    type_in(&["service restart", "restart", "service stop", "service stop", "service status"]);
    type_in(&["service start", "service start", "stop", "stop"]);
    type_in(&["service uninstall --dry-run", "service uninstall", "service uninstall"]);
}

/// Every verb that needs the manager, where it can't be reached.
fn without_manager(session: &mut Session, why: &str, world: &World, ductor: &dyn Fn(&[&str]) -> Said) {
    session.note(why);
    for verb in ["status", "doctor", "start", "stop", "restart", "uninstall", "uninstall --dry-run"] {
        session.run(&format!("service {verb}"), ductor);
    }
    session.run(&install(world), ductor);
}

#[test]
fn on_linux() {
    let linux = Linux::new();
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    from_nothing_to_nothing(&mut session, &linux.world, &ductor);
    linux.log_out();
    without_manager(&mut session, "after the last session has ended", &linux.world, &ductor);
    session.check("linux");
}

#[test]
fn on_a_mac() {
    let mac = Mac::new();
    let mut session = Session::new(&mac.world);
    let ductor = |words: &[&str]| mac.ductor(words);
    from_nothing_to_nothing(&mut session, &mac.world, &ductor);
    fs::remove_file(mac.world.path("bin/launchctl")).unwrap();
    without_manager(&mut session, "where launchctl is not found", &mac.world, &ductor);
    session.check("macos");
}

#[test]
fn on_windows() {
    let windows = Windows::new();
    let mut session = Session::new(&windows.world);
    let ductor = |words: &[&str]| windows.ductor(words);
    from_nothing_to_nothing(&mut session, &windows.world, &ductor);
    windows.set("denied", "");
    session.note("where a policy wants an administrator");
    session.run(&install(&windows.world), ductor);
    windows.set("down", "");
    without_manager(&mut session, "while the Task Scheduler does not run", &windows.world, &ductor);
    session.check("windows");
}

#[test]
fn in_a_locale_without_unicode() {
    let linux = Linux::installed();
    let mut session = Session::new(&linux.world);
    let ascii = |words: &[&str]| Said::of(linux.command(words).env("LC_ALL", "C"));
    session.see("LC_ALL=C ductor service status", &ascii(&["service", "status"]));
    session.see("LC_ALL=C ductor service doctor", &ascii(&["service", "doctor"]));
    session.check("linux-ascii");
}

#[test]
fn with_a_bot_that_is_not_configured_or_ends_again_and_again() {
    let linux = Linux::with(&format!("[ -e mended ] || {{ echo 'no token'; exit 78; }}\n{BOT}"));
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    session.run(&install(&linux.world), ductor);
    session.run("service status", ductor);
    linux.log_out();
    session.run("service status", ductor);
    session.run("service start", ductor);
    session.check("linux-configuration");

    let linux = Linux::with("echo 'out of luck'; exit 3");
    linux.machine.set("restart-ms", "600000").unwrap(); // the error is told before the second
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    session.run(&install(&linux.world), ductor);
    linux.machine.set("restart-ms", "50").unwrap();
    wait_for("end of the tries", || linux.state() == "gave-up");
    session.run("service status", ductor);
    session.check("linux-crashes");
}
