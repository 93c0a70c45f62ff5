//! systemd's *user manager*: one per user, started at login, or at boot for users who *linger*.
//!
//! Everything goes through `systemctl --user` and `loginctl`, never through text that a locale changes:
//! [`bus`] reaches the manager, [`show`] reads what it says, [`units`] knows whose a unit file is,
//! [`install`] and [`uninstall`] change things, [`linger`] makes the service outlive a login, [`absent`] knows
//! what helps where there is no systemd, [`root`] where all of that is looked for.

mod absent;
pub mod bus;
mod install;
pub mod journal;
pub(crate) mod keep;
pub mod linger;
mod root;
pub(crate) mod show;
mod uninstall;
mod units;

use std::path::Path;

use crate::effects::{Effects, Transaction};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::service::definition::{Chosen, ServiceDefinition};
use crate::service::render::unit;

use super::manager::{Install, Installed, LAST_WORDS, Logs, Manager, Problem, Report, State};
use show::Shown;
use units::{Folders, Unit};

const MASKED: &str = "the service is masked: it is never started";

/// Says what of a unit and its drop-ins the manager does not take, and where it stands.
const VERIFY: &str = "systemd-analyze --user verify ductor.service";

/// The user manager of systemd.
pub struct Systemd {
    home: Home,
}

impl Systemd {
    /// That of the user of `home`.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }
}

impl Manager for Systemd {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn title(&self) -> &'static str {
        "systemd user service"
    }

    fn report(&self) -> Result<Report> {
        self.begin_report()()
    }

    fn begin_report(&self) -> Box<dyn FnOnce() -> Result<Report> + '_> {
        let answer = Shown::begin();
        let lingers = linger::is_on();
        let folders = Folders::usual(&self.home);
        let for_everybody = folders.for_everybody().map(|(_, unit)| unit);
        Box::new(move || Ok(report(&answer()?, &folders, for_everybody.as_ref(), lingers)))
    }

    fn chosen(&self) -> Chosen {
        let folders = Folders::usual(&self.home);
        unit::chosen_in(&folders.everything_said(), self.home.user())
    }

    fn is_current(&self, definition: &ServiceDefinition) -> bool {
        let folders = Folders::usual(&self.home);
        let definition = &folders.without_others(definition, &self.home);
        match Unit::read(&folders.unit()) {
            Some(Unit::Ours { text }) => unit::render(definition).is_ok_and(|current| {
                let holds = |current: &str| unit::say_the_same(current, &text);
                let shadows = || Some(keep::in_place(&current, &keep::additions(&text)?));
                holds(&current) || (folders.packaged().is_some() && shadows().is_some_and(|it| holds(&it)))
            }),
            Some(Unit::Python { .. }) => false,
            Some(Unit::Foreign) => true, // not ours to judge
            Some(Unit::Mask) | None => unit::render_drop_in(&definition.chosen).is_ok_and(|current| {
                match (current, text_at(&folders.drop_in())) {
                    (Some(current), Some(text)) => unit::say_the_same(&current, &text),
                    (current, text) => current == text,
                }
            }),
        }
    }

    fn install(
        &self,
        definition: &ServiceDefinition,
        how: Install,
        effects: &Effects<'_>,
    ) -> Result<Installed> {
        install::install(&self.home, definition, how, effects)
    }

    fn uninstall(&self, effects: &Effects<'_>) -> Result<Vec<String>> {
        uninstall::uninstall(&self.home, effects)
    }

    fn start(&self, effects: &Effects<'_>) -> Result<()> {
        change(effects, "start")
    }

    fn stop(&self, effects: &Effects<'_>) -> Result<()> {
        stop(&mut Transaction::new(effects))
    }

    fn restart(&self, effects: &Effects<'_>) -> Result<()> {
        change(effects, "restart")
    }

    fn packaged(&self) -> ServiceDefinition {
        ServiceDefinition::packaged(unit::PACKAGED)
    }

    fn render(&self, definition: &ServiceDefinition) -> Result<String> {
        unit::render(definition)
    }

    fn logs(&self) -> Logs {
        Logs::Journal(unit::NAME)
    }
}

/// What the manager's answer and the unit files say together. `for_everybody` is the unit that counts for those who
/// have none of their own.
fn report(shown: &Shown, folders: &Folders, for_everybody: Option<&Unit>, lingers: bool) -> Report {
    let definition = shown.definition();
    let installed = definition.is_some();
    let found = definition.as_deref().and_then(Unit::read);
    let is_ours = matches!(found, Some(Unit::Ours { .. }));
    let is_own = definition.as_deref() == Some(&folders.unit());
    let mut problems = Vec::new();
    if installed && !lingers {
        problems.push(linger::problem());
    }
    // The manager hears of an administrator's mask at its next reload only.
    let by_administrator = for_everybody == Some(&Unit::Mask);
    if by_administrator && !is_own {
        problems.push(Problem::new("masked", MASKED, units::UNMASK_FOR_EVERYBODY));
    } else if shown.is_masked() {
        problems.push(Problem::new("masked", MASKED, "ductor service install"));
    }
    if let (true, Some(Unit::Ours { text }), Some(Unit::Ours { .. })) = (is_own, &found, for_everybody) {
        problems.push(folders.shadows_package(keep::additions(text).is_some()));
    }
    if let (Some(Unit::Foreign), Some(path)) = (&found, &definition) {
        let error = Unit::refuse(path);
        let message = format!("{}: {}", error.what, error.cause);
        problems.push(Problem::new("foreign-definition", message, error.fix.unwrap_or_default()));
    }
    if shown.is_broken() {
        problems.push(broken(shown));
    } else if shown.needs_reload() {
        let message = "the manager has not read the definition since it changed";
        problems.push(Problem::new("definition-stale", message, "ductor service install"));
    }
    if shown.state() == State::GaveUp {
        let message = format!("the manager gave up after {} restarts", shown.restarts());
        problems.push(Problem::new("start-limit", message, LAST_WORDS));
    }
    Report {
        state: shown.state(),
        enabled: installed && shown.is_enabled(),
        pid: shown.pid(),
        restarts: shown.restarts(),
        definition,
        packaged: is_ours && !is_own,
        survives_logout: lingers,
        survives_reboot: lingers && shown.is_enabled(),
        problems,
    }
}

/// The problem that the manager does not start what the files say. It names those that are not ours: theirs is the
/// mistake, and only their author knows what was meant.
fn broken(shown: &Shown) -> Problem {
    let others = shown.drop_ins().into_iter().filter(|path| text_at(path).is_none());
    let others: Vec<String> = others.map(|path| path.display().to_string()).collect();
    let message = match &*others {
        [] => "the manager can't start what the unit says".to_owned(),
        others => format!("the manager can't start what the unit says together with {}", others.join(", ")),
    };
    // What changed since may have mended it. If not, `install` says so.
    let fix = if shown.needs_reload() { "ductor service install" } else { VERIFY };
    Problem::new("definition-broken", message, fix)
}

/// The same where nothing may have mended it: an error.
fn refuse_broken(shown: &Shown) -> Result<()> {
    match shown.is_broken() {
        true => Err(Error::new(unit::NAME, broken(shown).message).fix(VERIFY)),
        false => Ok(()),
    }
}

/// The unit or drop-in of ours at `path`.
fn text_at(path: &Path) -> Option<String> {
    match Unit::read(path) {
        Some(Unit::Ours { text }) => Some(text),
        _ => None,
    }
}

/// Ends the host, and sees that it has ended.
fn stop(transaction: &mut Transaction<'_>) -> Result<()> {
    let stop = bus::systemctl(&["stop", unit::NAME]);
    transaction.run(&stop, None)?;
    if transaction.effects().is_real() && Shown::ask()?.state().is_active() {
        return Err(Error::new(stop, "it says that it is done, but the service is not stopped"));
    }
    Ok(())
}

/// Starts or restarts, with the counter of failed starts cleared: who asks for it has seen to the cause.
fn change(effects: &Effects<'_>, verb: &str) -> Result<()> {
    effects.run(&bus::systemctl(&["reset-failed", unit::NAME]))?; // fails when there is nothing to reset
    Transaction::new(effects).run(&bus::systemctl(&[verb, unit::NAME]), None).map_err(why_not_started)
}

/// What systemctl says of a service that did not start is that it did not; the cause is in the unit or in the logs.
fn why_not_started(error: Error) -> Error {
    match Shown::ask().and_then(|shown| refuse_broken(&shown)) {
        Err(broken) if broken.fix.as_deref() == Some(VERIFY) => broken,
        _ if error.fix.is_none() => error.fix(LAST_WORDS),
        _ => error,
    }
}
