//! Taking the task away, whatever state it is in.

use crate::effects::Effects;
use crate::error::Result;
use crate::home::Home;

use super::running::{change, stop};
use super::tasks::Tasks;
use super::user::User;

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let mut said = Vec::new();
    match User::ask().and_then(|user| Tasks::look(&user)) {
        Ok(tasks) => {
            if let (Some(foreign), None) = (tasks.foreign(), tasks.service()) {
                return Err(foreign.refuse());
            }
            for task in tasks.all() {
                stop(home, task, effects)?;
                change(effects, &["/Delete", "/TN", &task.name, "/F"])?;
                said.push(format!("removed the task {}", task.name));
            }
        }
        Err(error) => said.push(format!("warning: {}", error.cause)),
    }
    effects.remove(&home.task())?; // of an installation that was cut off
    Ok(said)
}
