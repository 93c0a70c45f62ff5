//! A *blow*: what happens to a host and its bot, and what must come of it.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use ductor::internals::{Process, Signal, holder};
use rustix::process::{Pid, kill_process};

use super::book::{LATE, Life};
use super::bot::{self, DEAF};
use super::dice::Dice;
use super::ground::{Ground, Host, Kind, state};

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    KillBot,
    CrashBot,
    KillHost,
    KillBoth,
    /// One host after the other, each while it starts.
    KillHostsThatStart,
    StopHost,
    StopHostTwice,
    BotAsks,
    PersonAsks,
    TakeLockAway,
    BreakState,
    TakeOver,
    SecondHost,
    /// Both stop for a moment, as when the machine sleeps.
    Suspend,
    /// The bot does not listen, and has to be killed.
    StopHostOfDeafBot,
    /// The bot can't listen.
    StopHostOfFrozenBot,
}

const BLOWS: [Blow; 14] = [
    Blow::KillBot,
    Blow::CrashBot,
    Blow::KillHost,
    Blow::KillBoth,
    Blow::KillHostsThatStart,
    Blow::StopHost,
    Blow::StopHostTwice,
    Blow::BotAsks,
    Blow::PersonAsks,
    Blow::TakeLockAway,
    Blow::BreakState,
    Blow::TakeOver,
    Blow::SecondHost,
    Blow::Suspend,
];

/// Each takes the 8 s that a bot has for its end; one blow in so many.
const SLOW: [Blow; 2] = [Blow::StopHostOfDeafBot, Blow::StopHostOfFrozenBot];
const SELDOM: usize = 60;
/// The waits of a host that restarts its bot itself, in seconds.
const LADDER: [u64; 5] = [2, 4, 8, 16, 30];
/// How long a bot may take to end.
const BOTS_TIME: Duration = Duration::from_secs(8);

/// One blow, and what a manager does then. The host that runs afterwards, with its bot.
pub fn strike(ground: &mut Ground<'_>, dice: &mut Dice, host: Host) -> io::Result<Host> {
    let blow = if ground.is_slow() && dice.below(SELDOM) == 0 { dice.of(&SLOW) } else { dice.of(&BLOWS) };
    ground.book.blow = format!("{blow:?}");
    // At any moment of its life.
    std::thread::sleep(Duration::from_micros(dice.below(30_000) as u64));
    let Some(bot) = ground.bot_of(&host)? else {
        return Err(io::Error::other(format!("{host} has no bot before {blow:?}")));
    };
    Struck { ground, dice, at: bot::now(), blow }.strike(host, &bot)
}

struct Struck<'a, 'b> {
    ground: &'a mut Ground<'b>,
    dice: &'a mut Dice,
    at: u64,
    blow: Blow,
}

impl Struck<'_, '_> {
    fn strike(&mut self, host: Host, bot: &Life) -> io::Result<Host> {
        match self.blow {
            Blow::KillBot => {
                self.ground.book.report.kills += 1;
                self.crash(host, bot, Signal::Kill, 9)
            }
            Blow::CrashBot => self.crash(host, bot, Signal::User1, 10),
            Blow::KillHost => {
                self.ground.kill(host)?;
                self.ground.begin(self.dice, Some(self.at))
            }
            Blow::KillBoth => {
                self.ground.kill(host)?;
                let _gone_with_its_host = Process::of(bot.pid).map(|bot| bot.signal(Signal::Kill));
                self.ground.book.report.kills += 1;
                self.ground.begin(self.dice, Some(self.at))
            }
            Blow::KillHostsThatStart => self.kill_hosts_that_start(host),
            Blow::StopHost => {
                host.process.signal(Signal::Terminate)?;
                self.stopped(host, Duration::ZERO)
            }
            Blow::StopHostTwice => {
                host.process.signal(Signal::Terminate)?;
                let _ended_meanwhile = host.process.signal(Signal::Terminate);
                self.stopped(host, Duration::ZERO)
            }
            Blow::BotAsks => {
                host.process.signal(Signal::User2)?; // it passes that on
                self.ground.comes(host, self.at, Duration::ZERO)
            }
            Blow::PersonAsks => {
                host.process.signal(Signal::User1)?;
                self.ground.comes(host, self.at, Duration::ZERO)
            }
            Blow::TakeLockAway => {
                let _already = fs::remove_file(self.ground.home().lock());
                Ok(host)
            }
            Blow::BreakState => self.break_state(host),
            Blow::TakeOver => self.take_over(host),
            Blow::SecondHost => self.second_host(host, bot),
            Blow::Suspend => self.suspend(host, bot),
            Blow::StopHostOfDeafBot => {
                fs::write(self.ground.path(DEAF), "")?;
                host.process.signal(Signal::Terminate)?;
                let next = self.stopped(host, BOTS_TIME);
                fs::remove_file(self.ground.path(DEAF))?;
                next
            }
            Blow::StopHostOfFrozenBot => {
                tell(bot.pid, rustix::process::Signal::STOP)?;
                host.process.signal(Signal::Terminate)?;
                self.stopped(host, BOTS_TIME)
            }
        }
    }

    /// The bot ends by this signal, and whoever restarts bots there does so.
    fn crash(&mut self, mut host: Host, bot: &Life, signal: Signal, number: i32) -> io::Result<Host> {
        // Somebody took the lock away: what the host has to say about its end is not its to write.
        let mute = holder(self.ground.home()) != Some(host.process);
        Process::of(bot.pid).map_or(Ok(()), |bot| bot.signal(signal))?;
        if host.kind == Kind::TaskScheduler {
            let wait = LADDER[host.failures.min(LADDER.len() - 1)];
            host.failures += 1;
            return self.ground.comes(host, self.at, Duration::from_secs(wait));
        }
        let (name, kind) = (host.to_string(), host.kind);
        let status = self.ground.end_of(host)?;
        let said = || state(self.ground.home()).unwrap_or_default()["ended"] == "gave-up";
        let gave_up = status.code() == Some(0) && kind == Kind::Launchd && (mute || said());
        if status.code() != Some(128 + number) && !gave_up {
            self.ground.book.find(&format!("{name} ended with {status}"));
        }
        self.ground.begin(self.dice, Some(self.at))
    }

    /// The host was told to end; its bot may take so long.
    fn stopped(&mut self, host: Host, time: Duration) -> io::Result<Host> {
        let (name, begun) = (host.to_string(), Instant::now());
        let status = self.ground.end_of(host)?;
        if status.code() != Some(0) || begun.elapsed() > time + LATE {
            self.ground.book.find(&format!("{name} took {:?}: {status}", begun.elapsed()));
        }
        let down = self.at + u64::try_from(time.as_nanos()).unwrap_or(0);
        self.ground.begin(self.dice, Some(down.min(bot::now())))
    }

    fn kill_hosts_that_start(&mut self, host: Host) -> io::Result<Host> {
        self.ground.kill(host)?;
        for _ in 0..=self.dice.below(4) {
            let host = self.ground.start(self.dice, &[])?;
            std::thread::sleep(Duration::from_micros(self.dice.below(25_000) as u64));
            self.ground.kill(host)?;
        }
        self.ground.begin(self.dice, Some(bot::now()))
    }

    fn break_state(&mut self, host: Host) -> io::Result<Host> {
        self.ground.watch.breaks();
        fs::write(self.ground.home().state(), b"{\"bot\": [\xff")?;
        host.process.signal(Signal::User1)?; // it says it anew with the next bot
        let host = self.ground.comes(host, self.at, Duration::ZERO);
        self.ground.watch.breaks();
        host
    }

    fn take_over(&mut self, host: Host) -> io::Result<Host> {
        let next = self.ground.start(self.dice, &["run", "--takeover"])?;
        let name = host.to_string();
        let status = self.ground.end_of(host)?;
        if status.code() != Some(0) {
            self.ground.book.find(&format!("{name} was taken over, and ended with {status}"));
        }
        self.ground.comes(next, self.at, Duration::ZERO)
    }

    /// A host beside it refuses, and nothing happens.
    fn second_host(&mut self, host: Host, bot: &Life) -> io::Result<Host> {
        let second = self.ground.start(self.dice, &[])?;
        let status = self.ground.end_of(second)?;
        if status.code() != Some(1) {
            self.ground.book.find(&format!("a second host ended with {status}"));
        }
        self.stays(host, bot)
    }

    fn suspend(&mut self, host: Host, bot: &Life) -> io::Result<Host> {
        let all = [host.process.pid, bot.pid];
        all.into_iter().try_for_each(|pid| tell(pid, rustix::process::Signal::STOP))?;
        std::thread::sleep(Duration::from_millis(self.dice.below(200) as u64));
        all.into_iter().try_for_each(|pid| tell(pid, rustix::process::Signal::CONT))?;
        self.stays(host, bot)
    }

    /// The host goes on with the same bot.
    fn stays(&mut self, host: Host, bot: &Life) -> io::Result<Host> {
        if self.ground.bot_of(&host)?.is_none_or(|now| now.id != bot.id) {
            self.ground.book.find(&format!("{host} has another bot"));
        }
        Ok(host)
    }
}

fn tell(pid: u32, signal: rustix::process::Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    Ok(kill_process(pid, signal)?)
}
