//! The loop: one bot at a time, from its start to its end, and on to what the [policy](super::policy) says.
//!
//! The host is always in one [`Phase`] and waits for one event. What happens then is in [`Supervisor::step`],
//! which reads as a table of phases and events.

use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::bot_pid;
use super::lock::{HostLock, Refused};
use super::os::{self, Event, Events};
use super::plan::Plan;
use super::policy::{Decision, Ended, Exit, History};
use super::state::{BotState, HostState, LastExit, rfc3339};
use super::stop::{PATIENCE, make_room};
use super::supervision::Supervision;
use super::tree::{KILL_TIME, Tree};
use super::{Options, held};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::process::{Process, Signal};

/// When the lock's file was taken away, somebody may be deleting the whole home: a file that appears meanwhile
/// would make that fail half-way.
const LOCK_ANEW_AFTER: Duration = Duration::from_secs(1);
/// A second request to stop after so long is of somebody who has no patience. What comes before is the same request by
/// another way: a session that ends sends `SIGTERM` and `SIGHUP`, a terminal that is closed `SIGHUP` twice.
const IMPATIENT_AFTER: Duration = Duration::from_secs(1);
/// A bot that ran before may be missing for so long, or its configuration unreadable: somebody upgrades the one or edits
/// the other just now. Then the host ends, which no manager starts again.
const ABSENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// What a shell says of a program that it could not start.
const NOT_STARTED: Exit = Exit::Code(127);

/// What the host is doing.
enum Phase {
    /// The bot runs.
    Running { bot: Process, since: Instant },
    /// The bot was told to end, and is killed at `until`.
    Ending { bot: Process, until: Instant, killed: bool, then: Then },
    /// No bot; the next one starts at `until`.
    Waiting { until: Instant },
    /// Nothing more to do.
    Over(Result<u8>, Option<Ended>),
}

/// What follows the end of a bot that was told to end.
enum Then {
    Restart,
    Stop {
        asked: Instant,
    },
    /// Another host has the lock.
    GiveWay(Error),
}

/// The host at work.
pub struct Supervisor<'a> {
    home: &'a Home,
    options: &'a Options<'a>,
    supervision: Supervision,
    events: Events,
    tree: Tree,
    lock: HostLock,
    lock_anew: Option<Instant>,
    state: HostState,
    history: History,
    /// A bot ran, under this host or the one before it.
    ran: bool,
    /// Since when there is none that can be started.
    absent: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    /// The host of `home`, which `lock` proves this process to be.
    pub fn new(
        home: &'a Home,
        options: &'a Options<'a>,
        supervision: Supervision,
        mut events: Events,
        lock: HostLock,
    ) -> Self {
        events.watch(lock.path());
        os::adopt_orphans();
        let ran = HostState::read(home).is_some_and(|last| last.had_bot());
        let state = HostState::begin(home, supervision);
        let history = History::after(state.failures.iter().filter_map(|at| at.parse().ok()).collect());
        let tree = Tree::ours();
        let (lock_anew, absent) = (None, None);
        Self { home, options, supervision, events, tree, lock, lock_anew, state, history, ran, absent }
    }

    /// Runs the bot until the host is to end. The result is the exit code.
    ///
    /// # Errors
    /// No bot can be started: none is there, it is not configured, or another one is in the way.
    pub fn run(mut self) -> Result<u8> {
        let mut phase = self.start();
        loop {
            if let Phase::Over(result, ended) = phase {
                self.state.ended = ended;
                self.save();
                return result;
            }
            let deadline = phase.deadline().into_iter().chain(self.lock_anew).min();
            let event = self.events.next(deadline);
            phase = self.step(phase, event);
        }
    }

    fn step(&mut self, phase: Phase, event: Event) -> Phase {
        match (phase, event) {
            (phase, Event::LockTouched) => {
                self.look_at_lock();
                phase
            }
            (phase, Event::Deadline) if self.lock_anew.is_some_and(|at| at <= Instant::now()) => {
                self.take_lock_anew(phase)
            }
            (Phase::Running { bot, since }, Event::ChildEnded(pid, exit)) if pid == bot.pid => {
                self.note_end(exit);
                self.follow(exit, since.elapsed())
            }
            (Phase::Running { bot, .. }, Event::Stop) => Self::end(bot, Then::stop()),
            (Phase::Running { bot, .. }, Event::Restart) => Self::end(bot, Then::Restart),
            (Phase::Running { bot, since }, Event::ForTheBot) => {
                let _ended_meanwhile = bot.signal(Signal::User2);
                Phase::Running { bot, since }
            }
            (Phase::Ending { bot, then, .. }, Event::ChildEnded(pid, exit)) if pid == bot.pid => {
                self.note_end(exit);
                self.ended_as_told(then)
            }
            (Phase::Ending { bot, killed: false, then: Then::Stop { asked }, .. }, Event::Stop)
                if asked.elapsed() >= IMPATIENT_AFTER =>
            {
                self.kill(bot, Then::Stop { asked })
            }
            (Phase::Ending { bot, until, killed, then: Then::Restart }, Event::Stop) => {
                Phase::Ending { bot, until, killed, then: Then::stop() }
            }
            (Phase::Ending { killed: true, then: Then::Stop { .. }, .. }, Event::Deadline) => {
                Phase::stopped()
            }
            (Phase::Ending { bot, then, .. }, Event::Deadline) => self.kill(bot, then),
            (Phase::Waiting { .. }, Event::Stop) => Phase::stopped(),
            (Phase::Waiting { .. }, Event::Restart | Event::Deadline) => self.start(),
            (phase, _) => phase,
        }
    }

    /// Starts a bot.
    fn start(&mut self) -> Phase {
        self.look_at_lock(); // where nothing watches it, this is the moment to notice
        let plan = match Plan::make(self.home, self.supervision) {
            Ok(plan) => plan,
            Err(error) => return self.without_bot(error),
        };
        if let Err(error) = make_room(self.home, self.supervision, self.options) {
            let ended = bot_pid::other_bot(self.home).map(|_| Ended::OtherBot);
            return Phase::Over(Err(error), ended);
        }
        match os::spawn(&plan, self.supervision) {
            Ok(bot) => {
                self.tree.begin(&bot);
                (self.ran, self.absent) = (true, None);
                self.state.bot = Some(BotState::new(bot, &plan.command));
                self.save();
                os::forget_start();
                Phase::Running { bot, since: Instant::now() }
            }
            Err(error) => {
                self.tell(&format!("{}: {error}", plan.command[0].to_string_lossy()));
                self.note_end(NOT_STARTED);
                self.follow(NOT_STARTED, Duration::ZERO)
            }
        }
    }

    /// No bot can be started. Under a manager one that ran before is given time to come back.
    fn without_bot(&mut self, error: Error) -> Phase {
        let is_first = self.absent.is_none();
        let since = *self.absent.get_or_insert_with(Instant::now);
        let is_patient = self.ran && self.supervision.is_manager() && !Plan::lacks_keys(self.home);
        let may_come_back = is_patient && since.elapsed() < ABSENCE;
        if error.code != Code::Configuration || !may_come_back {
            let ended = Some(Ended::Configuration).filter(|_| error.code == Code::Configuration);
            return Phase::Over(Err(error), ended);
        }
        if is_first {
            let patience = ABSENCE.as_secs();
            self.tell(&format!("{}: {}; it is looked for again for {patience} s", error.what, error.cause));
            self.save();
        }
        Phase::Waiting { until: Instant::now() + LOOK_AGAIN_AFTER }
    }

    /// Tells the bot to end.
    fn end(bot: Process, then: Then) -> Phase {
        // What can't be told is not waited for. One that ended meanwhile is an event of its own.
        let deaf = os::tell_to_end(&bot).is_err_and(|error| error.kind() == io::ErrorKind::Unsupported);
        let patience = if deaf { Duration::ZERO } else { PATIENCE };
        Phase::Ending { bot, until: Instant::now() + patience, killed: false, then }
    }

    /// Ends the bot and its tree by force. That it ended is an event of its own.
    fn kill(&self, bot: Process, then: Then) -> Phase {
        self.tree.kill();
        Phase::Ending { bot, until: Instant::now() + KILL_TIME, killed: true, then }
    }

    /// The bot ended, however it came to it: what is left of its tree is ended too.
    fn note_end(&mut self, exit: Exit) {
        self.state.bot = None;
        self.state.last_exit = Some(LastExit::now(exit));
        self.tree.kill();
    }

    /// What follows the end of a bot that nobody told to end.
    fn follow(&mut self, exit: Exit, up: Duration) -> Phase {
        let decision = self.history.decide(self.supervision, exit, up, Timestamp::now());
        self.state.failures = self.history.failures().iter().copied().map(rfc3339).collect();
        match decision {
            Decision::Respawn => self.start(),
            Decision::RespawnAfter(wait) => {
                self.tell(&format!("the bot ended with {exit}; it is started again in {} s", wait.as_secs()));
                self.state.restarts += 1;
                self.save();
                Phase::Waiting { until: Instant::now() + wait }
            }
            Decision::End(code, Ended::BotEnded) if bot_pid::was_replaced(self.home) => {
                self.tell("another bot took the place of this one");
                Phase::Over(Ok(code), Some(Ended::OtherBot))
            }
            Decision::End(code, ended) => {
                self.tell(&format!("the bot ended with {exit}"));
                Phase::Over(Ok(code), Some(ended))
            }
        }
    }

    fn ended_as_told(&mut self, then: Then) -> Phase {
        match then {
            Then::Restart => self.start(),
            Then::Stop { .. } => Phase::stopped(),
            Then::GiveWay(error) => Phase::Over(Err(error), None),
        }
    }

    fn look_at_lock(&mut self) {
        if self.lock.is_in_place() {
            self.lock_anew = None;
        } else if self.lock_anew.is_none() {
            self.lock_anew = Some(Instant::now() + LOCK_ANEW_AFTER);
        } else if !self.home.root().exists() {
            self.lock_anew = Some(Instant::now()); // the home is gone for good
        }
    }

    fn take_lock_anew(&mut self, phase: Phase) -> Phase {
        self.lock_anew = None;
        if self.lock.is_in_place() {
            return phase;
        }
        match HostLock::acquire(self.home) {
            Ok(lock) => {
                self.lock = lock;
                self.events.watch(self.lock.path());
                self.look_at_lock(); // taken away again before it was watched?
                self.save();
                phase
            }
            Err(Refused::Failed(error)) => {
                self.tell(&format!("{}: {}", error.what, error.cause));
                self.lock_anew = Some(Instant::now() + 5 * LOCK_ANEW_AFTER);
                phase
            }
            Err(Refused::Held(holder)) => {
                let error = held(self.home, holder);
                match phase {
                    Phase::Running { bot, .. } | Phase::Ending { bot, .. } => {
                        Self::end(bot, Then::GiveWay(error))
                    }
                    Phase::Waiting { .. } | Phase::Over(..) => Phase::Over(Err(error), None),
                }
            }
        }
    }

    /// Writes the state, which belongs to whoever has the lock.
    fn save(&self) {
        if self.lock.is_in_place() {
            if let Err(error) = self.state.write(self.home) {
                if error.kind() != io::ErrorKind::NotFound {
                    self.tell(&format!("write {}: {error}", self.home.state().display()));
                }
            }
        }
    }

    fn tell(&self, text: &str) {
        (self.options.told)(text);
    }
}

impl Then {
    /// Somebody asks for it now.
    fn stop() -> Self {
        Self::Stop { asked: Instant::now() }
    }
}

impl Phase {
    fn stopped() -> Self {
        Self::Over(Ok(0), Some(Ended::Stopped))
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Ending { until, .. } | Self::Waiting { until } => Some(*until),
            Self::Running { .. } | Self::Over(..) => None,
        }
    }
}
