//! Taking the task away, whatever state it is in. When that fails, what ran runs again.

use crate::effects::{Effects, Transaction};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::host::log_files;

use super::running::{change, look, stop_for_now};
use super::tasks::{Task, Tasks};
use super::user::User;

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let (tasks, unreachable) = match User::ask().and_then(|user| Tasks::look(&user)) {
        Ok(tasks) => (tasks, None),
        // What runs could not be ended: it is not as if nothing were there.
        Err(error) if look(home, None).state.is_active() => return Err(error),
        Err(error) => (Tasks::default(), Some(error)),
    };
    if let (Some(foreign), None) = (tasks.foreign(), tasks.service()) {
        return Err(foreign.refuse());
    }
    let mut said: Vec<String> =
        unreachable.iter().map(|error| format!("warning: {}: {}", error.what, error.cause)).collect();

    let mut transaction = Transaction::new(effects);
    for task in tasks.all() {
        stop_for_now(home, task, &mut transaction)?;
    }
    for file in log_files::all(home).chain([home.task()]) {
        transaction.remove(&file)?;
    }
    for task in tasks.all() {
        change(effects, &["/Delete", "/TN", &task.name, "/F"])?;
        if effects.is_real() && Task::find(&task.name)?.is_some() {
            let cause = "schtasks.exe says that it is removed, but it is there";
            return Err(Error::new(format!("the task {}", task.name), cause));
        }
        said.push(format!("removed the task {}", task.name));
    }
    transaction.commit();
    effects.remove_if_empty(&[home.logs()]);
    Ok(said)
}
