//! Every way a bot can end, and what no sequence of kills and restarts may lead to: two bots, none for long, or a
//! state that can't be read.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ductor::internals::{Process, Signal};

use crate::world::{Running, World, wait_for};

#[test]
fn every_code_and_every_signal_reaches_the_manager() {
    let world = World::new("eval \"$(cat end)\"");
    let ends_with = |end: &str| {
        fs::write(world.path("end"), end).unwrap();
        world.start(&mut world.supervised()).end().0.code()
    };
    for code in (0..=255).filter(|code| *code != 42) {
        assert_eq!(ends_with(&format!("exit {code}")), Some(code));
    }
    assert_eq!(ends_with("exit 42"), Some(1), "one that only asks for restarts; never 42");
    // Those that end a process by default, signal(7).
    for signal in (1..=15).chain([16, 24, 25, 26, 27, 29, 30, 31]) {
        assert_eq!(ends_with(&format!("kill -{signal} $$; sleep 9")), Some(128 + signal), "signal {signal}");
    }
}

/// A bot that starts no process of its own, so that every process that looks like one is one.
const ALONE: &str = "
    trap 'exit 0' TERM
    trap 'exit 42' USR2
    exec 3<>pipe
    echo $$ >>bots
    while :; do read _ <&3; done";

/// What may happen to a host and its bot.
#[derive(Clone, Copy, Debug)]
enum Blow {
    KillBot,
    KillHost,
    KillBoth,
    CrashBot,
    BotAsks,
    PersonAsks,
    StopHost,
    TakeLockAway,
    BreakState,
    TakeOver,
}

const BLOWS: [Blow; 10] = [
    Blow::KillBot,
    Blow::KillHost,
    Blow::KillBoth,
    Blow::CrashBot,
    Blow::BotAsks,
    Blow::PersonAsks,
    Blow::StopHost,
    Blow::TakeLockAway,
    Blow::BreakState,
    Blow::TakeOver,
];

/// `DUCTOR_STRESS=1000 cargo test --test it stress` for longer, `DUCTOR_SEED` for the same again.
#[test]
fn after_any_blow_there_is_one_bot_again_and_never_two() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let rounds = number("DUCTOR_STRESS").unwrap_or(100);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let seed = number("DUCTOR_SEED").unwrap_or(u64::try_from(clock % 1_000_000_007).unwrap());
    let world = World::new(ALONE);
    assert!(std::process::Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    let (done, breaks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut host = Some(begin(&world));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&world, &done, &breaks));
        let end = Ends(&done);
        let mut dice = Dice(seed | 1);
        for round in 0..rounds {
            let blow = BLOWS[dice.below(BLOWS.len())];
            let about = format!("seed {seed}, round {round}, {blow:?}");
            let break_it = usize::from(matches!(blow, Blow::BreakState));
            breaks.fetch_add(break_it, Ordering::SeqCst);
            host = Some(strike(&world, blow, host.take().unwrap(), &about));
            breaks.fetch_add(break_it, Ordering::SeqCst);
        }
        drop(end);
        let (looks, most) = watch.join().unwrap();
        assert!(most <= 1, "{most} bots at once; seed {seed}, {looks} looks");
        assert!(looks > 100, "it was not looked at");
    });
}

/// Ends the watch, also when a round fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Looks as often as it can until `done`: how often, and how many bots lived at once at most.
/// The state can be read, but while we break it: `breaks` is odd then.
fn watch(world: &World, done: &AtomicBool, breaks: &AtomicUsize) -> (usize, usize) {
    let (mut looks, mut most) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let before = breaks.load(Ordering::SeqCst);
        let text = fs::read_to_string(world.home("host.json"));
        let reads = text.as_ref().is_ok_and(|text| serde_json::from_str::<serde_json::Value>(text).is_ok());
        let excused = before % 2 == 1 || breaks.load(Ordering::SeqCst) != before;
        assert!(reads || excused, "a state that can't be read: {text:?}");
        // Seen twice: between the two looks of one list a bot may end and the next one start.
        let (first, second) = (bots(world), bots(world));
        let both = first.iter().filter(|bot| second.contains(bot) && bot.is_alive()).count();
        most = most.max(both);
        looks += 1;
    }
    (looks, most)
}

fn bots(world: &World) -> Vec<Process> {
    let script = world.path("bot").into_os_string();
    let is_bot = |process: &Process| process.command().get(1) == Some(&script);
    world.processes().into_iter().filter(is_bot).collect()
}

fn begin(world: &World) -> Running {
    let before = world.bots().len();
    let host = world.start(&mut world.supervised());
    wait_for("the first bot", || world.bots().len() > before && settled(world));
    host
}

/// One bot runs, and the host says so.
fn settled(world: &World) -> bool {
    let state = world.state();
    let pid = world.bots().last().copied().unwrap_or_default();
    state["bot"]["process"]["pid"] == pid && Process::of(pid).is_some()
}

/// One blow, and what a manager does then; the host that runs afterwards.
fn strike(world: &World, blow: Blow, host: Running, about: &str) -> Running {
    let before = world.bots();
    let bot = Process::of(*before.last().unwrap()).unwrap();
    let again = |host: Running| {
        host.end();
        begin(world)
    };
    let stays = |host: Running| {
        wait_for(about, || world.bots().len() > before.len() && settled(world));
        host
    };
    match blow {
        Blow::KillBot => {
            bot.signal(Signal::Kill).unwrap();
            again(host)
        }
        Blow::CrashBot => {
            bot.signal(Signal::User1).unwrap(); // no bot expects it
            again(host)
        }
        Blow::KillHost => {
            host.signal(Signal::Kill);
            again(host)
        }
        Blow::KillBoth => {
            host.signal(Signal::Kill);
            let _gone_with_its_host = bot.signal(Signal::Kill);
            again(host)
        }
        Blow::StopHost => {
            host.signal(Signal::Terminate);
            again(host)
        }
        Blow::BotAsks => {
            host.signal(Signal::User2);
            stays(host)
        }
        Blow::PersonAsks => {
            host.signal(Signal::User1);
            stays(host)
        }
        Blow::TakeLockAway => {
            let _already = fs::remove_file(world.home("host.lock"));
            host
        }
        Blow::BreakState => {
            fs::write(world.home("host.json"), b"{\"bot\": [\xff").unwrap();
            host.signal(Signal::User1);
            stays(host)
        }
        Blow::TakeOver => {
            let next = world.start(world.supervised().args(["run", "--takeover"]));
            host.end();
            wait_for(about, || world.bots().len() > before.len() && settled(world));
            next
        }
    }
}

/// xorshift64*: the same rolls for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % sides
    }
}
