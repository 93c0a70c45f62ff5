//! The host under launchd, which starts everything again that does not end with 0, and never gives up.

use super::Mac;
use crate::world::{BOT, wait_for};
use ductor::internals::{Process, Signal};

#[test]
fn case_12_after_42_the_host_stays_and_nothing_is_counted() {
    let mac = Mac::installed();
    let host = mac.status()["pid"].clone();
    let process = Process::of(host.as_u64().unwrap().try_into().unwrap()).unwrap();
    process.signal(Signal::User2).unwrap();
    mac.world.wait_for_bots(2);
    let status = mac.status();
    assert_eq!(
        (&status["pid"], &status["restarts"], &status["state"]),
        (&host, &0.into(), &"running".into())
    );
    assert_eq!(status["last_exit"]["code"], 42);
}

#[test]
fn case_13_a_bot_that_ends_with_78_is_started_once_and_again_when_it_is_mended() {
    let mac = Mac::with(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 78; }}\n{BOT}"));
    mac.install().ended(78).with("the bot: ended with code 78");
    wait_for("end of the host", || mac.state() == "failed");
    assert_eq!(mac.problems(), ["not-configured"]);
    assert_eq!(mac.ductor(&["service", "status"]).code, Some(3));
    // Long after launchd would have started a host that ended badly.
    let job = || fakes::launchd::Job::read(&mac.launchd, &mac.job("gui")).unwrap();
    wait_for("its end to be noticed", || job().last_exit.is_some());
    assert_eq!((job().last_exit, job().runs, mac.world.bots().len()), (Some(0), 1, 1));
    std::fs::write(mac.world.path("mended"), "").unwrap();
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!((mac.state(), mac.world.bots().len()), ("running".into(), 2));
}

#[test]
fn case_14_a_bot_that_always_crashes_is_given_up_after_10_tries_and_a_start_clears_it() {
    let mac = Mac::with(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    mac.install().ended(1).with("ended with code 3");
    wait_for("end of the tries", || mac.state() == "gave-up");
    let status = mac.status();
    assert_eq!((mac.world.bots().len(), &status["restarts"]), (10, &9.into()));
    assert_eq!(mac.problems(), ["start-limit"]);
    assert_eq!(mac.ductor(&["service", "status"]).code, Some(3));
    std::fs::write(mac.world.path("mended"), "").unwrap();
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!((mac.state(), mac.status()["restarts"].clone()), ("running".into(), 0.into()));
}

#[test]
fn a_killed_host_is_back_and_counted_and_leaves_no_bot_behind() {
    let mac = Mac::installed();
    let bot = Process::of(mac.world.bots()[0]).unwrap();
    let host = mac.status()["pid"].clone();
    Process::of(host.as_u64().unwrap().try_into().unwrap()).unwrap().signal(Signal::Kill).unwrap();
    wait_for("new host", || mac.state() == "running" && mac.status()["pid"] != host);
    mac.world.wait_for_bots(2);
    assert!(!bot.is_alive());
    assert_eq!(mac.status()["restarts"], 1);
}

#[test]
fn a_bot_that_ends_with_0_stays_down() {
    let mac = Mac::with("trap 'exit 0' USR2\necho $$ >>bots\nwhile :; do sleep 100 & wait $!; done");
    mac.install().ended(0);
    let host = mac.status()["pid"].as_u64().unwrap().try_into().unwrap();
    Process::of(host).unwrap().signal(Signal::User2).unwrap();
    wait_for("end", || mac.state() == "stopped");
    assert_eq!((mac.world.bots().len(), mac.is_loaded("gui")), (1, true));
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!(mac.world.bots().len(), 2);
}
