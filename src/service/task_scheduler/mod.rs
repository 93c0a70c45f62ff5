//! The Task Scheduler's *tasks* of one user, on Windows.

use crate::effects::Effects;
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::service::definition::{Chosen, ServiceDefinition};
use crate::service::render::task_xml;

use super::manager::{Install, Installed, Logs, Manager, Report};

/// The Task Scheduler's *tasks* of one user, on Windows.
pub struct TaskScheduler {
    home: Home,
}

impl TaskScheduler {
    /// That of the user of `home`.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }
}

fn not_yet<T>() -> Result<T> {
    Err(Error::new("task-scheduler", "not driven by this version").code(Code::Unavailable))
}

impl Manager for TaskScheduler {
    fn name(&self) -> &'static str {
        "task-scheduler"
    }

    fn title(&self) -> &'static str {
        "scheduled task"
    }

    fn report(&self) -> Result<Report> {
        not_yet()
    }

    fn chosen(&self) -> Chosen {
        Chosen::default()
    }

    fn is_current(&self, _: &ServiceDefinition) -> bool {
        false
    }

    fn install(&self, _: &ServiceDefinition, _: Install, _: &Effects<'_>) -> Result<Installed> {
        not_yet()
    }

    fn uninstall(&self, _: &Effects<'_>) -> Result<Vec<String>> {
        not_yet()
    }

    fn start(&self, _: &Effects<'_>) -> Result<()> {
        not_yet()
    }

    fn stop(&self, _: &Effects<'_>) -> Result<()> {
        not_yet()
    }

    fn restart(&self, _: &Effects<'_>) -> Result<()> {
        not_yet()
    }

    fn render(&self, definition: &ServiceDefinition) -> Result<String> {
        task_xml::render(definition, "")
    }

    fn logs(&self) -> Logs {
        Logs::Files(self.home.service_logs())
    }
}
