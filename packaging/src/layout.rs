//! A *layout* is a rule that gives each file of the payload its place in one kind of bundle.

use anyhow::Result;
use clap_complete::Shell;

use crate::compress::gzip;
use crate::payload::{File, Payload, Role};
use crate::tree::Tree;

/// Archives, for people: folders by what is in them, below `top`, which is empty or ends with a slash.
///
/// # Errors
/// Two files have one place.
pub fn archive(payload: &Payload, top: &str) -> Result<Tree> {
    let mut tree = Tree::default();
    for file in &payload.files {
        let folder = match file.role {
            Role::Program | Role::Readme | Role::Changelog | Role::Licence => "",
            Role::Definition => "service/",
            Role::ManPage => "man/",
            Role::Completion(_) => "completions/",
        };
        tree.add(&format!("{top}{folder}{}", file.name), file.mode(), file.bytes.clone())?;
    }
    Ok(tree)
}

/// Where systems and distributions differ.
pub struct Distribution {
    /// The folder above `bin` and `share`.
    pub top: &'static str,
    /// The folder of the definition.
    pub definition: &'static str,
    /// The folder of completion scripts for zsh.
    pub zsh: &'static str,
    /// The place of a file of documentation; none where the format has its own way for it.
    pub documentation: fn(&File) -> Option<String>,
}

/// The folder of the unit on every Linux with systemd (systemd.unit(5)).
pub const SYSTEMD_USER: &str = "usr/lib/systemd/user";

/// Packages: the file-system hierarchy, file-hierarchy(7), man pages compressed.
///
/// # Errors
/// Two files have one place.
pub fn system(payload: &Payload, distribution: &Distribution) -> Result<Tree> {
    let mut tree = Tree::default();
    let top = distribution.top;
    for file in &payload.files {
        let name = &file.name;
        let (path, bytes) = match file.role {
            Role::Program => (format!("{top}/bin/{name}"), file.bytes.clone()),
            Role::Definition => (format!("{}/{name}", distribution.definition), file.bytes.clone()),
            Role::ManPage => (format!("{top}/share/man/man1/{name}.gz"), gzip(&file.bytes)?),
            Role::Completion(shell) => (completion(shell, name, distribution), file.bytes.clone()),
            Role::Readme | Role::Changelog | Role::Licence => match (distribution.documentation)(file) {
                Some(path) if path.ends_with(".gz") => (path, gzip(&file.bytes)?),
                Some(path) => (path, file.bytes.clone()),
                None => continue,
            },
        };
        tree.add(&path, file.mode(), bytes)?;
    }
    Ok(tree)
}

/// bash finds a script by the name of the command, without an ending.
fn completion(shell: Shell, name: &str, distribution: &Distribution) -> String {
    let share = format!("{}/share", distribution.top);
    match shell {
        Shell::Bash => format!("{share}/bash-completion/completions/{}", name.trim_end_matches(".bash")),
        Shell::Zsh => format!("{}/{name}", distribution.zsh),
        _ => format!("{share}/fish/vendor_completions.d/{name}"),
    }
}
