//! launchd's *agents*: the jobs of one user, on macOS.

use crate::effects::Effects;
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::service::definition::{Chosen, ServiceDefinition};
use crate::service::render::plist;

use super::manager::{Install, Installed, Logs, Manager, Report};

/// launchd's *agents*: the jobs of one user, on macOS.
pub struct Launchd {
    home: Home,
}

impl Launchd {
    /// That of the user of `home`.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }
}

fn not_yet<T>() -> Result<T> {
    Err(Error::new("launchd", "not driven by this version").code(Code::Unavailable))
}

impl Manager for Launchd {
    fn name(&self) -> &'static str {
        "launchd"
    }

    fn title(&self) -> &'static str {
        "launchd agent"
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
        plist::render(definition, &[])
    }

    fn logs(&self) -> Logs {
        Logs::Files(self.home.service_logs())
    }
}
