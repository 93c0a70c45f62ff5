//! Taking the task away, whatever state it is in. When that fails, what ran runs again.

use crate::effects::{Effects, Transaction};
use crate::error::{Error, Result};
use crate::home::Home;

use super::running::{change, look, stop_for_now};
use super::tasks::{Task, Tasks};
use super::user::User;

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let mut transaction = Transaction::new(effects);
    match User::ask().and_then(|user| Tasks::look(&user)) {
        Ok(tasks) => {
            if let (Some(foreign), None) = (tasks.foreign(), tasks.service()) {
                return Err(foreign.refuse());
            }
            for task in tasks.all() {
                stop_for_now(home, task, &mut transaction)?;
                change(effects, &["/Delete", "/TN", &task.name, "/F"])?;
                if effects.is_real() && Task::find(&task.name)?.is_some() {
                    let cause = "schtasks.exe says that it is removed, but it is there";
                    return Err(Error::new(format!("the task {}", task.name), cause));
                }
                said.push(format!("removed the task {}", task.name));
            }
        }
        // What runs could not be ended: it is not as if nothing were there.
        Err(error) if look(home, None).state.is_active() => return Err(error),
        Err(error) => said.push(format!("warning: {}: {}", error.what, error.cause)),
    }
    transaction.commit();
    effects.remove(&home.task())?; // of an installation that was cut off
    Ok(said)
}
