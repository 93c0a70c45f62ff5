//! What the doctor asks launchd: is the job loaded, is it switched on, in which domain, with which PATH.

use std::path::{Path, PathBuf};

use plist::{Dictionary, Value};

use crate::service::manager::Finding;
use crate::service::manager::Problem;

use super::agents::{Agent, Folders};
use super::domain::Domain;
use super::job::Loaded;
use super::switch;

/// Everything that is asked, good and bad. What stands in every report as a problem is not said again.
pub fn examine(folders: &Folders) -> Vec<Finding> {
    let Some(definition) = folders.definition() else { return Vec::new() };
    let Ok(loaded) = Loaded::ask() else { return Vec::new() };
    let mut findings = vec![is_loaded(&loaded)];
    if loaded.modern && switch::is_off() == Some(false) {
        findings.push(Finding::good("enabled", "launchd starts it when you log in"));
    }
    findings.extend(domain(&loaded));
    findings.extend(Agent::read(&definition).as_ref().and_then(Agent::job).map(path));
    findings
}

fn is_loaded(loaded: &Loaded) -> Finding {
    match loaded.job() {
        Some(job) => {
            let place = job.domain.map(|domain| format!(" as {}", domain.job())).unwrap_or_default();
            Finding::good("loaded", format!("launchd has loaded it{place}"))
        }
        None => {
            let message = "launchd has not loaded it, so nothing starts it before you log in again";
            Problem::new("not-loaded", message, "ductor service start").into()
        }
    }
}

fn domain(loaded: &Loaded) -> Option<Finding> {
    let here = Domain::here().ok().filter(|_| loaded.modern)?;
    match (loaded.job().and_then(|job| job.domain)?, here) {
        (Domain::Gui, _) => Some(Finding::good("domain", "it runs in your session at the screen")),
        (Domain::User, Domain::User) => {
            let message = "it runs without a session at the screen, so agents can't read the keychain";
            let fix = "log in at the screen, then: ductor service install";
            Some(Problem::new("no-screen", message, fix).into())
        }
        (Domain::User, Domain::Gui) => None, // a problem of every report
    }
}

/// The PATH in the definition is where the host begins; folders that are gone say that it is old.
fn path(job: &Dictionary) -> Finding {
    let variables = job.get("EnvironmentVariables").and_then(Value::as_dictionary);
    let path = variables.and_then(|it| it.get("PATH")).and_then(Value::as_string).unwrap_or_default();
    let folders = path.split(':').map(PathBuf::from);
    let gone: Vec<String> = folders
        .filter(|folder| is_of_a_version(folder) && !folder.is_dir())
        .map(|folder| folder.display().to_string())
        .collect();
    if gone.is_empty() {
        return Finding::good(
            "path",
            "PATH in the definition is current; the host adds to it at every start",
        );
    }
    let message = format!("PATH in the definition names what is gone: {}", gone.join(", "));
    Problem::new("path-stale", message, "ductor service install").into()
}

/// A folder that a version manager made; those of the system and of the user are named whether they exist or not.
fn is_of_a_version(folder: &Path) -> bool {
    !folder.ends_with(".local/bin") && folder.components().count() > 4
}
