//! A *stored* task: a folder `tasks/NAME` with its definition, its owner, the last result, the instance that runs.

use std::fs;
use std::path::PathBuf;

use roxmltree::{Document, Node};

use crate::state::State;
use crate::whoami::User;

/// A task, whether there is one of this name or not.
pub struct Task {
    pub name: String,
    state: State,
    denied: bool,
}

impl Task {
    pub fn find(state: &State, name: &str) -> Self {
        Self {
            name: name.into(),
            state: State::at(state.path("tasks").join(name)),
            denied: state.has("denied"),
        }
    }

    pub fn all(state: &State) -> Vec<Self> {
        let entries = fs::read_dir(state.path("tasks")).into_iter().flatten().flatten();
        entries
            .map(|entry| Self::find(state, &entry.file_name().to_string_lossy()))
            .filter(Self::exists)
            .collect()
    }

    pub fn exists(&self) -> bool {
        self.state.has("definition.xml")
    }

    /// A policy denies changes to everybody but administrators.
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    pub fn may_be_seen_by(&self, user: &User) -> bool {
        user.elevated || self.state.get("owner") == Some(user.sid.clone())
    }

    pub fn number(&self, name: &str) -> Option<u32> {
        self.state.get(name)?.parse().ok()
    }

    pub fn set(&self, name: &str, text: &str) {
        let _full_disk = self.state.set(name, text);
    }

    pub fn clear(&self, name: &str) {
        self.state.remove(name);
    }

    pub fn has(&self, name: &str) -> bool {
        self.state.has(name)
    }

    /// The pid of the program that looks after the action.
    pub fn instance(&self) -> Option<u32> {
        self.number("instance")
    }

    pub fn remove(&self) {
        let _gone = fs::remove_dir_all(self.folder());
    }

    fn folder(&self) -> PathBuf {
        self.state.path("")
    }

    /// Its definition as text.
    pub fn definition(&self) -> String {
        self.state.get("definition.xml").unwrap_or_default()
    }

    /// Keeps a definition, with what Windows adds to it.
    pub fn store(&self, bytes: &[u8], user: &User) {
        let mut text = decode(bytes);
        if !text.contains("<URI>") {
            text = text.replacen(
                "<RegistrationInfo>",
                &format!("<RegistrationInfo><URI>\\{}</URI>", self.name),
                1,
            );
        }
        let principal = text.find("<Principal ").unwrap_or(text.len());
        if !text[principal..].contains("Id>") {
            let id = format!("<UserId>{}</UserId><LogonType>", user.sid);
            text = [&text[..principal], &text[principal..].replacen("<LogonType>", &id, 1)].concat();
        }
        self.set("definition.xml", &text);
        if !self.has("owner") {
            self.set("owner", &user.sid);
        }
    }

    /// The answer to `/Query /XML`, in the form that the machine gives it.
    pub fn xml(&self, state: &State) -> Vec<u8> {
        let text = format!("{}\r\n\r\n", self.definition());
        let utf16 = || text.encode_utf16().flat_map(u16::to_le_bytes);
        match state.get("xml").as_deref() {
            Some("utf16") => [0xff, 0xfe].into_iter().chain(utf16()).collect(),
            Some("utf16-bare") => utf16().collect(),
            _ => text.into_bytes(),
        }
    }

    pub fn is_enabled(&self) -> bool {
        let text = self.definition();
        let document = Document::parse(&text).ok();
        document.is_none_or(|it| text_of(it.root_element(), &["Settings", "Enabled"]) != Some("false"))
    }

    pub fn enable(&self, enabled: bool) {
        let text = self.definition();
        let Some((before, settings)) = text.split_once("<Settings>") else { return };
        let settings = settings.replacen(&format!("<Enabled>{}</Enabled>", !enabled), "", 1);
        let known = settings.contains(&format!("<Enabled>{enabled}</Enabled>"));
        let element = if known { String::new() } else { format!("<Enabled>{enabled}</Enabled>") };
        self.set("definition.xml", &format!("{before}<Settings>{element}{settings}"));
    }
}

/// The bytes of a definition that the schema allows.
fn decode(bytes: &[u8]) -> String {
    let pairs: Vec<u16> = bytes[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&pairs)
}

/// The text of the first element on this way.
pub fn text_of<'a>(node: Node<'a, '_>, way: &[&str]) -> Option<&'a str> {
    let found =
        way.iter().try_fold(node, |node, name| node.children().find(|it| it.tag_name().name() == *name));
    found.map(|it| it.text().unwrap_or_default())
}

/// A task that starts when anybody logs on, or runs as somebody else, or with more rights.
pub fn needs_administrator(bytes: &[u8], user: &User) -> bool {
    let text = decode(bytes);
    let Ok(document) = Document::parse(&text) else { return true };
    let at = |way: &[&str]| text_of(document.root_element(), way);
    let is_ours = |id: Option<&str>| id == Some(&user.sid);
    let others = at(&["Principals", "Principal", "UserId"]).is_some_and(|id| !is_ours(Some(id)));
    let anybody = !is_ours(at(&["Triggers", "LogonTrigger", "UserId"]));
    let rights = at(&["Principals", "Principal", "RunLevel"]) == Some("HighestAvailable");
    others || anybody || rights || at(&["Principals", "Principal", "GroupId"]).is_some()
}
