//! What the doctor looks at on Windows: who made the task, whose rights it takes, and whether a window would show.

use crate::bot;
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::doctor::hosts_path;
use crate::service::manager::{Finding, Problem};

use super::schtasks::AS_ADMINISTRATOR;
use super::tasks::{Maker, Task};
use super::user::{User, is_elevated};

/// Who made the task, and whose rights it takes.
pub fn of_task(task: &Task, user: &User) -> [Finding; 2] {
    [maker(task), permissions(task, user)]
}

fn maker(task: &Task) -> Finding {
    let name = &task.name;
    match task.maker {
        Maker::Python => {
            let message =
                format!("the Python ductor made the task {name}: nothing starts its bot again after a crash");
            Problem::new("task-maker", message, "ductor service install").into()
        }
        _ => Finding::good("task-maker", format!("ductor made the task {name}, for you")),
    }
}

/// A task with an administrator's rights can be changed by one only, and gives them to the bot and its agents.
fn permissions(task: &Task, user: &User) -> Finding {
    let wants = task.tree.text_at(&["Principals", "Principal", "RunLevel"]) == Some("HighestAvailable");
    if wants {
        let message = "the task takes an administrator's rights, and gives them to the bot";
        let fix = format!(
            "{AS_ADMINISTRATOR}: schtasks.exe /Delete /TN {}; then here: ductor service install",
            task.name
        );
        return Problem::new("permissions", message, fix).into();
    }
    let we = if is_elevated() { "you are an administrator now" } else { "no administrator is needed" };
    Finding::good("permissions", format!("the task runs with the rights of {}; {we}", user.name()))
}

/// Without `pythonw.exe` the host hides the window itself; `--direct` can't.
pub fn window(home: &Home, definition: &ServiceDefinition) -> Option<Finding> {
    if let Some(python) = definition.chosen.direct.as_ref().filter(|python| !python.exists()) {
        let message = format!("the task runs {}, which is not there", python.display());
        return Some(Problem::new("pythonw", message, "ductor service install --direct").into());
    }
    let chosen = definition.chosen.bot.as_deref().map(str::as_ref);
    let bot = bot::find(home, &hosts_path(home, definition), chosen).ok()?;
    Some(match bot.without_window() {
        Some(python) => {
            Finding::good("pythonw", format!("the bot has a Python without a window: {}", python.display()))
        }
        None => Finding::good("pythonw", "the bot has no pythonw; its host keeps its window hidden"),
    })
}
