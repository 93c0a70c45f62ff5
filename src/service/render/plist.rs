//! The launchd *property list*: `dev.ductor.plist`, an agent of one user (launchd.plist(5)).
//!
//! The crate `plist` writes it, so there is no quoting of our own. Keys that people added to an earlier one are
//! kept; everything in `OURS` is ductor's to decide.

use std::path::{Path, PathBuf};

use plist::{Dictionary, Value};

use crate::error::{Error, Result};
use crate::service::definition::{
    Chosen, Owner, PROCESS_TYPE, STOP_TIMEOUT, ServiceDefinition, THROTTLE_INTERVAL,
};

use super::{MADE_BY, refuse_control_characters};

/// The name of the job in every domain.
pub const LABEL: &str = "dev.ductor";

/// The name of the file.
pub const FILE: &str = "dev.ductor.plist";

/// Where the packages of its system put the program.
pub const PACKAGED: &str = "/usr/local/bin/ductor";

/// What it is, in an error.
const KIND: &str = "a property list";

/// Where people have what Homebrew installs; launchd's own PATH has not.
const BREW: &str = "/opt/homebrew/bin";

/// The keys that ductor decides, those of earlier versions included.
const OURS: [&str; 14] = [
    "Label",
    "ProgramArguments",
    "RunAtLoad",
    "KeepAlive",
    "ThrottleInterval",
    "ExitTimeOut",
    "ProcessType",
    "LimitLoadToSessionType",
    "WorkingDirectory",
    "StandardInPath",
    "StandardOutPath",
    "StandardErrorPath",
    "EnvironmentVariables",
    "Program",
];

/// The variables that ductor decides.
const OUR_VARIABLES: [&str; 5] = ["HOME", "PATH", "DUCTOR_SUPERVISOR", "DUCTOR_HOME", "DUCTOR_BOT"];

/// The property list of a definition. `found` are the folders in which this user's version managers keep
/// programs; the host looks for them again at every start.
///
/// A packaged one names no home: launchd gives every agent its user's HOME, and knows no `~` in a path, so the
/// host alone writes the logs there.
///
/// # Errors
/// A path or value holds a control character, which no property list can carry.
pub fn render(definition: &ServiceDefinition, found: &[PathBuf]) -> Result<String> {
    render_keeping(definition, found, None)
}

/// The same, with what people added to `earlier` kept.
///
/// # Errors
/// As [`render`].
pub(crate) fn render_keeping(
    definition: &ServiceDefinition,
    found: &[PathBuf],
    earlier: Option<&Dictionary>,
) -> Result<String> {
    let mut job = job(definition, found)?;
    if let Some(earlier) = earlier {
        keep(&mut job, earlier);
    }
    let mut text = Vec::new();
    Value::Dictionary(job).to_writer_xml(&mut text).map_err(|error| Error::new(KIND, error))?;
    let text = String::from_utf8(text).map_err(|error| Error::new(KIND, error))?;
    let comment = format!("<!-- {MADE_BY}. Keys that you add are kept. -->\n<plist ");
    Ok(format!("{}\n", text.replacen("<plist ", &comment, 1)))
}

/// What the user chose, read back from a property list.
#[doc(hidden)]
pub fn chosen_in(job: &Dictionary) -> Chosen {
    let variables = job.get("EnvironmentVariables").and_then(Value::as_dictionary);
    let value = |name: &str| Some(variables?.get(name)?.as_string()?.to_owned());
    super::chosen(value("DUCTOR_HOME"), value("DUCTOR_BOT"))
}

fn job(definition: &ServiceDefinition, found: &[PathBuf]) -> Result<Dictionary> {
    let mut job = Dictionary::new();
    let mut set = |key: &str, value: Value| job.insert(key.into(), value);
    set("Label", LABEL.into());
    set("ProgramArguments", Value::Array(vec![string(&definition.program.to_string_lossy())?]));
    set("RunAtLoad", true.into());
    // A host that ends with 0 was asked to, or has nothing to run.
    set("KeepAlive", Value::Dictionary(Dictionary::from_iter([("SuccessfulExit", false)])));
    set("ThrottleInterval", u64::from(THROTTLE_INTERVAL).into());
    set("ExitTimeOut", u64::from(STOP_TIMEOUT).into());
    set("ProcessType", PROCESS_TYPE.into());
    // Without the second it could not be loaded over ssh, with nobody at the screen.
    set("LimitLoadToSessionType", Value::Array(vec!["Aqua".into(), "Background".into()]));
    if let Owner::User(home) = &definition.owner {
        let logs = logs(definition, home);
        set("WorkingDirectory", string(&home.to_string_lossy())?);
        set("StandardOutPath", string(&logs.join("service.log").to_string_lossy())?);
        set("StandardErrorPath", string(&logs.join("service.err").to_string_lossy())?);
    }
    set("EnvironmentVariables", Value::Dictionary(variables(definition, found)?));
    Ok(job)
}

fn logs(definition: &ServiceDefinition, home: &Path) -> PathBuf {
    definition.chosen.ductor_home.clone().unwrap_or_else(|| home.join(".ductor")).join("logs")
}

fn variables(definition: &ServiceDefinition, found: &[PathBuf]) -> Result<Dictionary> {
    let home = match &definition.owner {
        Owner::User(home) => Some(home.as_path()),
        Owner::EachUser => None,
    };
    let mut variables = Dictionary::new();
    for (name, value) in definition.environment(home.unwrap_or(Path::new("/"))) {
        match name {
            "HOME" if home.is_none() => continue,
            "PATH" => variables.insert(name.into(), string(&search_path(definition, home, found))?),
            _ => variables.insert(name.into(), string(&value)?),
        };
    }
    Ok(variables)
}

/// PATH: the user's own folders, those that were found, Homebrew's, the system's.
fn search_path(definition: &ServiceDefinition, home: Option<&Path>, found: &[PathBuf]) -> String {
    let (system, own): (Vec<&PathBuf>, Vec<&PathBuf>) =
        definition.search_path.iter().partition(|folder| folder.has_root());
    let own = own.into_iter().filter_map(|folder| Some(home?.join(folder)));
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in own.chain(found.iter().cloned()).chain([BREW.into()]).chain(system.into_iter().cloned()) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>().join(":")
}

fn string(text: &str) -> Result<Value> {
    refuse_control_characters(text, KIND)?;
    Ok(text.into())
}

/// Adds what people had added to `earlier`: keys and variables that are not ours.
fn keep(job: &mut Dictionary, earlier: &Dictionary) {
    for (key, value) in earlier.iter().filter(|(key, _)| !OURS.contains(&key.as_str())) {
        job.insert(key.clone(), value.clone());
    }
    let variables = |job: &Dictionary| job.get("EnvironmentVariables")?.as_dictionary().cloned();
    let Some(mut ours) = variables(job) else { return };
    for (name, value) in variables(earlier).unwrap_or_default() {
        if !OUR_VARIABLES.contains(&name.as_str()) {
            ours.insert(name, value);
        }
    }
    job.insert("EnvironmentVariables".into(), Value::Dictionary(ours));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::home::Home;

    fn definition(bot: Option<&str>) -> ServiceDefinition {
        let home = Home::of_any_system("/Users/o'brien & <co>", "/Users/o'brien & <co>/.ductor");
        ServiceDefinition::for_user("/usr/local/bin/ductor", &home, bot.map(Into::into))
    }

    fn read(text: &str) -> Dictionary {
        Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap()
    }

    #[test]
    fn what_the_user_chose_is_read_back() {
        let mut definition = definition(Some("a \"b\" <c> 日本 &amp; \\ 'q'"));
        definition.chosen.ductor_home = Some("/Volumes/x y".into());
        let job = read(&render(&definition, &[]).unwrap());
        assert_eq!(chosen_in(&job), definition.chosen);
        let err = Path::new("/Volumes/x y").join("logs").join("service.err");
        assert_eq!(job["StandardErrorPath"].as_string(), err.to_str());
    }

    #[test]
    fn what_people_added_is_kept_and_what_is_ours_is_not() {
        let old = r#"<plist version="1.0"><dict>
            <key>Nice</key><integer>5</integer>
            <key>ThrottleInterval</key><integer>1</integer>
            <key>EnvironmentVariables</key><dict>
                <key>PATH</key><string>/old</string><key>HTTPS_PROXY</key><string>p</string>
                <key>DUCTOR_BOT</key><string>old</string>
            </dict></dict></plist>"#;
        let job = read(&render_keeping(&definition(None), &[], Some(&read(old))).unwrap());
        let variables = job["EnvironmentVariables"].as_dictionary().unwrap();
        assert_eq!((job["Nice"].as_signed_integer(), &variables["HTTPS_PROXY"]), (Some(5), &"p".into()));
        assert_eq!(job["ThrottleInterval"].as_signed_integer(), Some(10));
        assert!(!variables["PATH"].as_string().unwrap().contains("/old"));
        assert!(!variables.contains_key("DUCTOR_BOT"));
        let again = render_keeping(&definition(None), &[], Some(&job)).unwrap();
        assert_eq!(read(&again), job);
    }

    #[test]
    fn a_packaged_one_names_no_user() {
        let text = render(&ServiceDefinition::packaged("/usr/local/bin/ductor"), &[]).unwrap();
        assert!(!text.contains("HOME") && !text.contains("StandardOutPath"), "{text}");
        let path = "<string>/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin</string>";
        assert!(text.contains(path), "{text}");
    }

    #[test]
    #[cfg(unix)] // the user's own are those of this system
    fn the_found_folders_come_after_the_users_own() {
        let found = ["/Users/u/.volta/bin".into(), "/usr/bin".into()];
        let text = render(&definition(None), &found).unwrap();
        assert!(
            text.contains("/.local/bin:/Users/u/.volta/bin:/usr/bin:/opt/homebrew/bin:/usr/local/bin:/bin:")
        );
    }

    #[test]
    fn what_xml_can_not_write_is_refused_before_anything_is_written() {
        for bad in ["a\nb", "a\u{1}b", "a\u{fffe}"] {
            assert_eq!(render(&definition(Some(bad)), &[]).unwrap_err().code, Code::Usage);
        }
    }
}
