//! Which tasks there are for us, and whose they are.
//!
//! Names of tasks are shared by all users of a machine, and who made a task owns its name. So ours is `ductor`,
//! or `ductor-USER` where another user has that; of another user's task we see nothing but that the name is taken.

use crate::error::{Code, Error, Result};
use crate::service::render::element::Element;
use crate::service::render::{MADE_BY_ANY, command_line, task_xml};

use super::schtasks::{self, definition};
use super::user::User;

/// A task of this user.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Its definition, as the scheduler gives it.
    pub text: String,
    /// The same as a tree.
    pub tree: Element,
    /// Who made it.
    pub maker: Maker,
}

/// Who made a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// We, in any version.
    Ours,
    /// The Python ductor.
    Python,
    /// Somebody else. Never touched.
    Foreign,
}

/// The tasks under the names that ours can have.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Those of this user, in the order of the names.
    own: Vec<Task>,
    /// The names that nobody has, as far as can be seen.
    pub free: Vec<String>,
}

impl Tasks {
    /// Asks the scheduler.
    ///
    /// # Errors
    /// It does not answer.
    pub fn look(user: &User) -> Result<Self> {
        let mut tasks = Self { own: Vec::new(), free: Vec::new() };
        for name in names(user) {
            match Task::find(&name)? {
                None => tasks.free.push(name),
                Some(task) => tasks.own.extend(Some(task).filter(|task| task.is_of(user))),
            }
            if tasks.service().is_some_and(|task| task.maker == Maker::Ours) {
                return Ok(tasks);
            }
        }
        if tasks.own.is_empty() {
            tasks.check_free()?;
        }
        Ok(tasks)
    }

    /// A question that failed and a task that is not there look alike, so the list of all has to agree.
    fn check_free(&self) -> Result<()> {
        let all = schtasks::all()?;
        let is_there = |name: &&String| all.iter().any(|path| path.strip_prefix('\\') == Some(name.as_str()));
        match self.free.iter().find(is_there) {
            Some(name) => Err(Error::new(format!("the task {name}"), "it is there, but can't be read")
                .code(Code::Unavailable)),
            None => Ok(()),
        }
    }

    /// Where nobody can be asked: no task, all names.
    pub fn none(user: &User) -> Self {
        Self { own: Vec::new(), free: names(user).into() }
    }

    /// The task that is the service: ours, or that of the Python ductor.
    pub fn service(&self) -> Option<&Task> {
        self.own.iter().find(|task| task.maker != Maker::Foreign)
    }

    /// The task that this user made under our name for another purpose.
    pub fn foreign(&self) -> Option<&Task> {
        self.own.iter().find(|task| task.maker == Maker::Foreign)
    }

    /// All that ductor made, in any version.
    pub fn all(&self) -> impl Iterator<Item = &Task> {
        self.own.iter().filter(|task| task.maker != Maker::Foreign)
    }
}

/// The names that our task can have, in the order in which they are tried.
fn names(user: &User) -> [String; 2] {
    [task_xml::NAME.into(), format!("{}-{}", task_xml::NAME, user.name())]
}

impl Task {
    /// The task of this name, if we may see it.
    ///
    /// # Errors
    /// There is no `schtasks.exe`.
    pub fn find(name: &str) -> Result<Option<Self>> {
        Ok(definition(name)?.and_then(|text| Self::read(name, text)))
    }

    /// The task of this name with this definition.
    pub fn read(name: &str, text: String) -> Option<Self> {
        let tree = Element::parse(&text)?;
        let maker = maker(&tree);
        Some(Self { name: name.into(), text, tree, maker })
    }

    /// A task without a user runs as the one who made it, and others may not see it.
    pub fn is_of(&self, user: &User) -> bool {
        let principal = self.tree.at(&["Principals", "Principal"]);
        match principal.and_then(|it| it.text_at(&["UserId"]).or(it.text_at(&["GroupId"]))) {
            Some(id) => user.is(id),
            None => true,
        }
    }

    /// Its place in the scheduler's folders.
    pub fn path(&self) -> String {
        format!("\\{}", self.name)
    }

    /// It runs a host, not the bot itself.
    pub fn has_host(&self) -> bool {
        task_xml::chosen_in(&self.tree).direct.is_none()
    }

    /// The scheduler may run it.
    pub fn is_enabled(&self) -> bool {
        self.tree.text_at(&["Settings", "Enabled"]) != Some("false")
    }

    /// It starts when its user logs on.
    pub fn starts_at_logon(&self) -> bool {
        let trigger = self.tree.at(&["Triggers", "LogonTrigger"]);
        self.is_enabled() && trigger.is_some_and(|it| it.text_at(&["Enabled"]) != Some("false"))
    }

    /// The error that says that a task is somebody else's.
    pub fn refuse(&self) -> Error {
        let name = &self.name;
        Error::new(format!("the task {name}"), "it was not made by ductor, so it stays as it is")
            .fix(format!("schtasks.exe /Query /TN {name} /XML"))
    }
}

fn maker(task: &Element) -> Maker {
    let registration = |name: &str| task.text_at(&["RegistrationInfo", name]).unwrap_or_default();
    let arguments = task.text_at(&["Actions", "Exec", "Arguments"]).unwrap_or_default();
    if registration("Source").starts_with(MADE_BY_ANY) {
        Maker::Ours
    } else if task_xml::is_bot(&command_line::split(arguments))
        || registration("Description") == "ductor - Telegram bot powered by AI CLIs"
    {
        Maker::Python
    } else {
        Maker::Foreign
    }
}
