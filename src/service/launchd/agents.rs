//! Which *agents* there are under our label, the property lists that launchd reads at login, and whose they are.
//!
//! The user's own folder takes ours. The one for every user may hold one of a package: it is used as it is. Both
//! have one label, so a package's can't have drop-ins: who chooses something gets an agent of their own, which
//! stands before it for as long as ductor loads it.

use std::path::{Path, PathBuf};

use plist::{Dictionary, Value};

use crate::effects::file::read_bounded;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::service::definition::{Chosen, Owner, ServiceDefinition};
use crate::service::folder;
use crate::service::manager::Problem;
use crate::service::render::{self, plist as text_of};
use crate::{bot, search_path};

/// The folders of property lists.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The one that `ductor service install` writes.
    pub own: PathBuf,
    /// The one that packages write, for every user.
    pub shared: PathBuf,
}

impl Folders {
    /// Those of this user (launchd.plist(5), "FILES").
    pub fn of(home: &Home) -> Self {
        Self { own: home.user().join("Library/LaunchAgents"), shared: shared() }
    }

    /// Our agent, or what stands in its place.
    pub fn agent(&self) -> PathBuf {
        self.own.join(text_of::FILE)
    }

    /// The agent that a package brought.
    pub fn packaged(&self) -> Option<PathBuf> {
        let path = self.shared.join(text_of::FILE);
        matches!(Agent::read(&path), Some(Agent::Ours(_))).then_some(path)
    }

    /// The agent that is, or would be, loaded: the user's own before that of a package.
    pub fn definition(&self) -> Option<PathBuf> {
        let own = self.agent();
        if own.symlink_metadata().is_ok() { Some(own) } else { self.packaged() }
    }

    /// Refuses an agent of this label that is somebody else's, and a folder that others can write.
    ///
    /// # Errors
    /// As said.
    pub fn refuse_others(&self, loaded: Option<&Path>) -> Result<()> {
        folder::check(&self.own)?;
        let shared = self.shared.join(text_of::FILE);
        for path in [Some(&*self.agent()), Some(&shared), loaded].into_iter().flatten() {
            if matches!(Agent::read(path), Some(Agent::Foreign)) {
                return Err(Agent::refuse(path));
            }
        }
        Ok(())
    }

    /// The problem that an agent of the user stands before the one of the package.
    pub fn shadows_package(&self) -> Problem {
        let agent = self.agent();
        let agent = shell_words::quote(&agent.to_string_lossy()).into_owned();
        Problem::new(
            "shadows-package",
            format!("{agent} has choices of your own, so the package's agent is not used"),
            format!("rm {agent} && ductor service install --bot ''"),
        )
    }
}

/// The folder of agents for every user. A build for tests looks for it below another root.
fn shared() -> PathBuf {
    let root = if cfg!(debug_assertions) { std::env::var_os("DUCTOR_TEST_ROOT") } else { None };
    Path::new(&root.unwrap_or("/".into())).join("Library/LaunchAgents")
}

/// Whose agent a property list is.
#[derive(Clone, Debug, PartialEq)]
pub enum Agent {
    /// Ours, of any version.
    Ours(Dictionary),
    /// Made by the Python ductor.
    Python(Dictionary),
    /// Somebody else's. Never touched.
    Foreign,
}

impl Agent {
    /// Reads the property list at `path`; none when nothing is there.
    pub fn read(path: &Path) -> Option<Self> {
        path.symlink_metadata().ok()?;
        Some(read_bounded(path, 64 * 1024).map_or(Self::Foreign, |bytes| Self::in_text(&bytes)))
    }

    /// Whose agent this property list is.
    pub(crate) fn in_text(bytes: &[u8]) -> Self {
        let job = Value::from_reader(std::io::Cursor::new(bytes)).ok().and_then(Value::into_dictionary);
        let Some(job) = job.filter(|job| job.get("Label").and_then(Value::as_string) == Some(text_of::LABEL))
        else {
            return Self::Foreign;
        };
        if String::from_utf8_lossy(bytes).contains(&format!("<!-- {}", render::MADE_BY_ANY)) {
            Self::Ours(job)
        } else if is_pythons(&job) {
            Self::Python(job)
        } else {
            Self::Foreign
        }
    }

    /// What people may have added to it.
    pub fn job(&self) -> Option<&Dictionary> {
        match self {
            Self::Ours(job) | Self::Python(job) => Some(job),
            Self::Foreign => None,
        }
    }

    /// The error that says that an agent is somebody else's.
    pub fn refuse(path: &Path) -> Error {
        Error::new(path.display(), "this agent was not made by ductor, so it stays as it is")
            .fix(format!("mv {0} {0}.mine", shell_words::quote(&path.to_string_lossy())))
    }
}

/// The Python ductor (0.20, `infra/service_macos.py`) names its console script, `…/ductor`, and tells the bot
/// that it is supervised. One that was written by hand may name the module.
fn is_pythons(job: &Dictionary) -> bool {
    let words = job.get("ProgramArguments").and_then(Value::as_array).cloned().unwrap_or_default();
    let words: Vec<&str> = words.iter().filter_map(Value::as_string).collect();
    let variables = job.get("EnvironmentVariables").and_then(Value::as_dictionary);
    let supervised = variables.is_some_and(|it| it.contains_key("DUCTOR_SUPERVISOR"));
    let is_script = words.first().is_some_and(|program| Path::new(program).ends_with("ductor"));
    words.iter().any(|word| word.contains(bot::MODULE)) || (supervised && is_script)
}

/// The text of the agent, with what people added to an earlier one.
///
/// # Errors
/// A value that no property list can carry.
pub fn render(home: &Home, definition: &ServiceDefinition, earlier: Option<&Dictionary>) -> Result<String> {
    let found = match definition.owner {
        Owner::User(_) => search_path::found(home.user()),
        Owner::EachUser => Vec::new(),
    };
    text_of::render_keeping(definition, &found, earlier)
}

/// Whether the property list says what we would write now. PATH is not compared: the host looks for programs at
/// every start, and a new version of Node makes no definition stale.
pub fn is_current(agent: &Dictionary, definition: &ServiceDefinition) -> bool {
    let current = text_of::render_keeping(definition, &[], Some(agent)).ok();
    let current = current.and_then(|text| Value::from_reader_xml(text.as_bytes()).ok()?.into_dictionary());
    current.is_some_and(|current| without_path(current) == without_path(agent.clone()))
}

fn without_path(mut job: Dictionary) -> Dictionary {
    if let Some(variables) = job.get_mut("EnvironmentVariables").and_then(Value::as_dictionary_mut) {
        variables.remove("PATH");
    }
    job
}

/// What the user chose, read from the agent, whoever made it: programs that edit property lists leave out comments,
/// and with ours what tells it from the Python ductor's.
pub fn chosen(folders: &Folders) -> Chosen {
    let agent = Agent::read(&folders.agent());
    agent.as_ref().and_then(Agent::job).map(text_of::chosen_in).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Agent> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.plist");
        std::fs::write(&path, text).unwrap();
        Agent::read(&path)
    }

    fn plist(inside: &str) -> String {
        format!(
            "<plist version=\"1.0\"><dict><key>Label</key><string>dev.ductor</string>{inside}</dict></plist>"
        )
    }

    #[test]
    fn an_agent_is_ours_pythons_or_foreign() {
        let home = Home::of_any_system("/Users/u", "/Users/u/.ductor");
        let ours = text_of::render(&ServiceDefinition::for_user("/d/ductor", &home, None), &[]).unwrap();
        assert!(matches!(read(&ours), Some(Agent::Ours(_))));
        let runs = |words: &str, more: &str| {
            read(&plist(&format!("<key>ProgramArguments</key><array>{words}</array>{more}")))
        };
        let supervised =
            "<key>EnvironmentVariables</key><dict><key>DUCTOR_SUPERVISOR</key><string>1</string></dict>";
        let script = "<string>/Users/u/.local/bin/ductor</string>";
        let module = "<string>/usr/bin/python3</string><string>-m</string><string>ductor_bot</string>";
        assert!(matches!(runs(script, supervised), Some(Agent::Python(_))));
        assert!(matches!(runs(module, ""), Some(Agent::Python(_))));
        assert_eq!(runs(script, ""), Some(Agent::Foreign));
        assert_eq!(runs("<string>/usr/bin/other</string>", supervised), Some(Agent::Foreign));
        assert_eq!(read("garbage"), Some(Agent::Foreign));
        assert_eq!(read(&ours.replace("dev.ductor<", "dev.other<")), Some(Agent::Foreign));
        assert_eq!(Agent::read(Path::new("/no/such.plist")), None);
    }

    #[test]
    fn a_new_path_makes_no_agent_stale_and_anything_else_of_ours_does() {
        let home = Home::of_any_system("/Users/u", "/Users/u/.ductor");
        let definition = ServiceDefinition::for_user("/d/ductor", &home, None);
        let found: [PathBuf; 1] = ["/Users/u/.nvm/versions/node/v9.0.0/bin".into()];
        let read = |text: &str| Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap();
        let mut job = read(&text_of::render(&definition, &found).unwrap());
        job.insert("Nice".into(), 3.into());
        assert!(is_current(&job, &definition));
        job.insert("ThrottleInterval".into(), 1.into());
        assert!(!is_current(&job, &definition));
    }
}
