//! The Task Scheduler's *tasks* of one user, on Windows: programs that it starts when that user logs on.
//!
//! Everything goes through `schtasks.exe` ([`schtasks`]) and `whoami.exe` ([`user`]), of which nothing is read that
//! a language changes. [`tasks`] knows which tasks there are and whose; [`keep`] compares definitions and keeps
//! what people set; [`running`] starts and ends; [`install`] and [`uninstall`] change things; [`doctor`] says why it
//! does not behave.

pub(crate) mod csv;
mod doctor;
mod install;
mod keep;
mod running;
pub(crate) mod schtasks;
pub(crate) mod tasks;
mod uninstall;
pub(crate) mod user;

use std::cell::RefCell;
use std::path::Path;

use crate::effects::{Effects, Transaction};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::service::definition::{Chosen, ServiceDefinition};
use crate::service::render::task_xml;

use super::manager::{Finding, Install, Installed, Logs, Manager, Problem, Report};
use tasks::{Maker, Task, Tasks};
use user::User;

/// The Task Scheduler's *tasks* of one user, on Windows.
pub struct TaskScheduler {
    home: Home,
    /// The tasks as they were last seen, until we change something: each question is a program of its own.
    seen: RefCell<Option<Tasks>>,
}

impl TaskScheduler {
    /// That of the user of `home`.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone(), seen: RefCell::default() }
    }

    /// The tasks of the user that we act as.
    fn tasks(&self) -> Result<Tasks> {
        if let Some(seen) = self.seen.borrow().clone() {
            return Ok(seen);
        }
        let tasks = Tasks::look(&User::ask()?)?;
        self.seen.replace(Some(tasks.clone()));
        Ok(tasks)
    }

    /// The task that is the service.
    fn service(&self) -> Result<Task> {
        let missing =
            || Error::new("the task", "there is none").code(Code::NotInstalled).fix("ductor service install");
        self.tasks()?.service().cloned().ok_or_else(missing)
    }

    /// Forgets what was seen, with the result of what may have changed it.
    fn changed<T>(&self, result: T) -> T {
        self.seen.take();
        result
    }
}

impl Manager for TaskScheduler {
    fn name(&self) -> &'static str {
        "task-scheduler"
    }

    fn title(&self) -> &'static str {
        "scheduled task"
    }

    fn report(&self) -> Result<Report> {
        let tasks = self.tasks()?;
        let task = tasks.service();
        let doing = running::look(&self.home, task);
        let at_logon = task.is_some_and(Task::starts_at_logon);
        Ok(Report {
            state: doing.state,
            enabled: at_logon,
            pid: doing.process.map(|process| process.pid),
            restarts: 0, // the host's are in host.json; the scheduler tells none
            definition: task.map(|task| task.path().into()),
            packaged: false,
            survives_logout: false,
            survives_reboot: at_logon,
            problems: problems(&tasks),
        })
    }

    fn chosen(&self) -> Chosen {
        let ours = self.service().ok().filter(|task| task.maker == Maker::Ours);
        ours.map(|task| task_xml::chosen_in(&task.tree)).unwrap_or_default()
    }

    fn is_current(&self, definition: &ServiceDefinition) -> bool {
        let current = || -> Result<bool> {
            let user = User::ask()?;
            let wanted = task_xml::tree(definition, &user.sid)?;
            let holds = |task: &Task| task.maker == Maker::Ours && keep::holds(&task.tree, &wanted, &user);
            Ok(self.tasks()?.service().is_none_or(holds))
        };
        current().unwrap_or(false)
    }

    fn install(
        &self,
        definition: &ServiceDefinition,
        how: Install,
        effects: &Effects<'_>,
    ) -> Result<Installed> {
        self.changed(install::install(&self.home, definition, how, effects))
    }

    fn uninstall(&self, effects: &Effects<'_>) -> Result<Vec<String>> {
        self.changed(uninstall::uninstall(&self.home, effects))
    }

    fn start(&self, effects: &Effects<'_>) -> Result<()> {
        let task = self.service()?;
        self.changed(running::start(&self.home, &task, effects))
    }

    fn stop(&self, effects: &Effects<'_>) -> Result<()> {
        running::stop(&self.home, &self.service()?, effects)
    }

    fn restart(&self, effects: &Effects<'_>) -> Result<()> {
        let task = self.service()?;
        let mut transaction = Transaction::new(effects);
        running::stop_for_now(&self.home, &task, &mut transaction)?;
        self.changed(running::start(&self.home, &task, effects))?;
        transaction.commit();
        Ok(())
    }

    fn packaged(&self) -> ServiceDefinition {
        ServiceDefinition::packaged(task_xml::PACKAGED)
    }

    fn render(&self, definition: &ServiceDefinition) -> Result<String> {
        let user = User::ask().unwrap_or_else(|_| User::unknown());
        task_xml::render(definition, &user.sid)
    }

    fn logs(&self) -> Logs {
        Logs::Files(self.home.service_logs())
    }

    fn examine(&self, definition: &ServiceDefinition) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let (Ok(user), Ok(task)) = (User::ask(), self.service()) {
            findings.extend(doctor::of_task(&task, &user));
        }
        findings.extend(doctor::window(&self.home, definition));
        findings
    }
}

/// What the definition alone tells to be wrong.
fn problems(tasks: &Tasks) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(foreign) = tasks.foreign() {
        let error = foreign.refuse();
        let message = format!("{}: {}", error.what, error.cause);
        problems.push(Problem::new("foreign-definition", message, error.fix.unwrap_or_default()));
    }
    let Some(task) = tasks.service() else { return problems };
    if !task.starts_at_logon() {
        let message = "the task is switched off: it does not start when you log on";
        problems.push(Problem::new("disabled", message, "ductor service install"));
    }
    let program = task.tree.text_at(&["Actions", "Exec", "Command"]).unwrap_or_default();
    if !Path::new(program).exists() {
        let message = format!("the program of the task is not there: {program}");
        problems.push(Problem::new("no-program", message, "ductor service install"));
    }
    problems.extend(direct(task));
    problems
}

/// What `--direct` costs.
fn direct(task: &Task) -> Option<Problem> {
    let message = "the task runs the bot itself (--direct): nothing starts it again after a crash, and after its \
                   own /restart the scheduler no longer knows it";
    let ours = task.maker == Maker::Ours && !task.has_host();
    ours.then(|| Problem::new("direct", message, "ductor service install"))
}
