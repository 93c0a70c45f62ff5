//! Setting the task up, so that doing it again changes nothing: its definition, whether it is enabled, the host.
//!
//! One [`Transaction`] spans it all: when a step fails, the task and what runs are as before. The task is never
//! deleted first; what counts is what the scheduler has afterwards, not what it answered.

use std::fs;
use std::path::{Path, PathBuf};

use crate::effects::{Effects, Transaction, ask, file};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::manager::{Install, Installed};
use crate::service::render::element::Element;
use crate::service::render::task_xml::{self, utf16};

use super::schtasks::{refused, schtasks};
use super::tasks::{Maker, Task, Tasks};
use super::user::User;
use super::{keep, running};

/// See [`Manager::install`](crate::service::manager::Manager::install).
pub fn install(
    home: &Home,
    definition: &ServiceDefinition,
    how: Install,
    effects: &Effects<'_>,
) -> Result<Installed> {
    let (user, tasks) = look(effects)?;
    let wanted = task_xml::tree(definition, &user.sid)?; // what no task can carry is refused before anything else
    if let Some(foreign) = tasks.foreign() {
        return Err(foreign.refuse());
    }
    let before = tasks.service();
    let runs = before.is_some_and(|task| running::look(home, Some(task)).state.is_active());
    let mut transaction = Transaction::new(effects);
    let mut installed = Installed::default();
    let current = before.filter(|task| task.maker == Maker::Ours && keep::holds(&task.tree, &wanted, &user));
    let task = match current {
        Some(task) => {
            if !task.is_enabled() {
                enable(task, &mut transaction)?;
                installed.switched_on.push("the task");
            }
            task.clone()
        }
        None => {
            installed.changed = true;
            installed.notes.extend(before.filter(|task| task.maker == Maker::Python).map(took_over));
            replace(home, &user, &tasks, &wanted, &mut transaction)?
        }
    };
    if how.start && (installed.changed || !runs || is_outdated(home, &task)) {
        start(home, before.filter(|_| runs), &task, &mut transaction)?;
        installed.started = true;
    }
    transaction.effects().remove(&home.task())?; // of an installation that was cut off
    transaction.commit();
    if installed.changed {
        installed
            .notes
            .push("the bot runs only while you are logged on; it starts 10 s after you log on".into());
    }
    installed.problems.extend(super::direct(&task));
    installed.definition = task.path().into();
    Ok(installed)
}

/// The [outdated](crate::service::outdated) host: a task tells no time of its change, but the command line of its host
/// what it was started with.
fn is_outdated(home: &Home, task: &Task) -> bool {
    let Some(host) = running::services_host(home).filter(|_| task.has_host()) else { return false };
    let command: Vec<String> =
        host.process.command().iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let started_with = command.split_first().map(|(program, words)| task_xml::chosen_by(program, words));
    started_with.is_some_and(|chosen| chosen != task_xml::chosen_in(&task.tree))
}

/// A rehearsal needs no scheduler.
fn look(effects: &Effects<'_>) -> Result<(User, Tasks)> {
    let found = User::ask().and_then(|user| Ok((user.clone(), Tasks::look(&user)?)));
    found.or_else(|error| {
        let user = User::unknown();
        if effects.is_real() { Err(error) } else { Ok((user.clone(), Tasks::none(&user))) }
    })
}

fn took_over(task: &Task) -> String {
    format!("took over the task of the Python ductor: {}", task.name)
}

fn enable(task: &Task, transaction: &mut Transaction<'_>) -> Result<()> {
    let back = schtasks(&["/Change", "/TN", &task.name, "/DISABLE"]);
    transaction.back(move || drop(ask(&back)));
    running::change(transaction.effects(), &["/Change", "/TN", &task.name, "/ENABLE"])
}

/// Makes the task what is wanted, under the name that it has, or the first that can be had.
fn replace(
    home: &Home,
    user: &User,
    tasks: &Tasks,
    wanted: &Element,
    transaction: &mut Transaction<'_>,
) -> Result<Task> {
    let before = tasks.service();
    let tree = before.map_or_else(|| wanted.clone(), |task| keep::with_additions(wanted, &task.tree));
    let text = tree.document("UTF-16")?;
    let names = before.map_or_else(|| tasks.free.clone(), |task| vec![task.name.clone()]);
    let file = home.task();
    transaction.create_folder(home.root())?;
    for name in &names {
        let (name, file, user) = (name.clone(), file.clone(), user.clone());
        let before = before.map(|task| task.text.clone());
        transaction.back(move || put_back(&name, before.as_deref(), &file, &user));
    }
    let name = create(&file, &text, &names, before.is_some(), transaction.effects())?;
    if !transaction.effects().is_real() {
        return Task::read(&name, text).ok_or_else(|| Error::new(name, "the task can't be read"));
    }
    match Task::find(&name)? {
        Some(task) if task.is_of(user) && keep::holds(&task.tree, wanted, user) => Ok(task),
        _ => {
            let error = Error::new(format!("the task {name}"), "it is not there as it was made");
            Err(refused(error, "install"))
        }
    }
}

/// Has the scheduler read the definition from a file, which is gone afterwards, whatever happens.
fn create(file: &Path, text: &str, names: &[String], replace: bool, effects: &Effects<'_>) -> Result<String> {
    let _gone = effects.is_real().then(|| Gone(file.to_owned()));
    effects.write(file, &utf16(text), 0o600)?;
    let path = file.to_string_lossy();
    let mut error = Error::new("the task", "other users of this machine have all its names");
    for name in names {
        // Without /F a task that we can't see is not replaced.
        let args = ["/Create", "/TN", name, "/XML", &path, "/F"];
        let command = schtasks(if replace { &args } else { &args[..5] });
        let output = effects.run(&command)?;
        if output.success() {
            effects.remove(file)?;
            return Ok(name.clone());
        }
        error = command.failed(&output);
    }
    Err(refused(error, "install"))
}

/// A file that goes away with this value.
struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _was_removed = fs::remove_file(&self.0);
    }
}

/// Gives the scheduler back the task that it had under this name, or none.
fn put_back(name: &str, before: Option<&str>, file: &Path, user: &User) {
    let Ok(now) = Task::find(name) else { return };
    let call = |args: &[&str]| drop(ask(&schtasks(args))); // nobody is left to hear of an error
    match (before, now) {
        (None, Some(now)) if now.maker == Maker::Ours && now.is_of(user) => {
            call(&["/Delete", "/TN", name, "/F"]);
        }
        (Some(before), now) if now.as_ref().is_none_or(|now| now.text != before) => {
            let _gone = Gone(file.to_owned());
            if file::replace(file, &utf16(before), 0o600).is_ok() {
                call(&["/Create", "/TN", name, "/XML", &file.to_string_lossy(), "/F"]);
            }
        }
        _ => {}
    }
}

/// Starts the host, anew where it ran by an earlier definition.
fn start(home: &Home, ran: Option<&Task>, task: &Task, transaction: &mut Transaction<'_>) -> Result<()> {
    match ran {
        Some(before) => {
            transaction.afterwards(schtasks(&["/Run", "/TN", &before.name]));
            running::stop(home, before, transaction.effects())?;
        }
        None => {
            let (home, task) = (home.clone(), task.clone());
            transaction.back(move || drop(running::stop(&home, &task, &Effects::real(&|_| {}))));
        }
    }
    running::run(home, &task.name, transaction.effects())
}
