//! The *payload*: what every bundle of a target carries. The one list of it stands in [`Payload::of`].
//!
//! A file of it knows what it is ([`Role`]), not where it goes: that is a rule of [`crate::layout`]. What only
//! one format wants (Debian's copyright file, a preset of rpm) is no payload and stands with that format.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use ductor::service::ServiceDefinition;
use ductor::service::render::{plist, task_xml, unit};

use crate::checksums::sha256;
use crate::release::NAME;
use crate::target::{Os, Target};
use crate::workspace::Workspace;
use crate::xz::Shared;

/// The files of a target's bundles.
#[derive(Clone, Debug)]
pub struct Payload {
    /// What they are for.
    pub target: &'static Target,
    /// The files.
    pub files: Vec<File>,
    /// What one format has compressed and another can take.
    pub shared: Shared,
}

/// A file that is put inside.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is.
    pub role: Role,
    /// Its name where nothing wants another.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a file of the payload is. Its place and its mode follow from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A program.
    Program,
    /// What the OS's own service manager reads.
    Definition,
    /// A man page of section 1.
    ManPage,
    /// A completion script.
    Completion(Shell),
    /// The front page.
    Readme,
    /// What changed.
    Changelog,
    /// A licence in full.
    Licence,
}

impl Payload {
    /// Puts the payload of a target together around its compiled programs, in the order of its OS.
    ///
    /// # Errors
    /// A file of the workspace is missing.
    pub fn of(target: &'static Target, programs: Vec<Vec<u8>>, workspace: &Workspace) -> Result<Self> {
        let mut files = Vec::new();
        let mut put = |role, name: &str, bytes| files.push(File { role, name: name.into(), bytes });
        for (name, program) in target.os.programs().iter().zip(programs) {
            put(Role::Program, name, program);
        }
        let (name, definition) = definition(target.os)?;
        put(Role::Definition, name, definition);
        for (name, page) in man_pages()? {
            put(Role::ManPage, &name, page);
        }
        for &(shell, name) in shells(target.os) {
            put(Role::Completion(shell), name, completion(shell));
        }
        put(Role::Readme, "README.md", workspace.read("README.md")?);
        put(Role::Changelog, "CHANGELOG.md", workspace.read("CHANGELOG.md")?);
        put(Role::Licence, "LICENSE-MIT", workspace.read("LICENSE-MIT")?);
        put(Role::Licence, "LICENSE-APACHE", workspace.read("LICENSE-APACHE")?);
        Ok(Self { target, files, shared: Shared::default() })
    }
}

impl Payload {
    /// Every file with the hash of its content: the same for the same payload.
    pub fn digest(&self) -> String {
        let line = |file: &File| format!("{:?} {} {}\n", file.role, file.name, sha256(&file.bytes));
        self.files.iter().map(line).collect()
    }
}

impl File {
    /// Its permission bits.
    pub fn mode(&self) -> u32 {
        match self.role {
            Role::Program => 0o755,
            _ => 0o644,
        }
    }
}

/// The definition that serves every user, by the runtime's own renderer, and the name of its file.
fn definition(os: Os) -> Result<(&'static str, Vec<u8>)> {
    let definition = ServiceDefinition::packaged(os.packaged_program());
    Ok(match os {
        Os::Linux => (unit::NAME, unit::render(&definition)?.into()),
        Os::Macos => (plist::FILE, plist::render(&definition, &[])?.into()),
        // No user is named in it.
        Os::Windows => ("ductor_task.xml", task_xml::utf16(&task_xml::render(&definition, "")?)),
    })
}

/// The shells that people have there, and the names of their scripts.
fn shells(os: Os) -> &'static [(Shell, &'static str)] {
    match os {
        Os::Linux | Os::Macos => {
            &[(Shell::Bash, "ductor.bash"), (Shell::Zsh, "_ductor"), (Shell::Fish, "ductor.fish")]
        }
        Os::Windows => &[(Shell::PowerShell, "_ductor.ps1")],
    }
}

/// A page a command, as git has it: `ductor.1`, `ductor-service.1`, `ductor-service-install.1`.
fn man_pages() -> Result<Vec<(String, Vec<u8>)>> {
    fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
        let source = concat!("ductor ", env!("CARGO_PKG_VERSION"));
        let man = Man::new(command.clone()).source(source).manual("User Commands");
        let mut page = Vec::new();
        man.render(&mut page)?;
        // What stands behind the options are examples; the generator knows only that it is something more.
        let page = String::from_utf8(page)?.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        pages.push((man.get_filename(), page.into_bytes()));
        command.get_subcommands().filter(|verb| !verb.is_hide_set()).try_for_each(|verb| collect(verb, pages))
    }
    let mut command = ductor::internals::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    Ok(pages)
}

fn completion(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut ductor::internals::command(), NAME, &mut script);
    script
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::target::TARGETS;

    /// A payload around any bytes as the program, as bundles are tested with.
    pub(crate) fn sample(program: &[u8]) -> Payload {
        Payload::of(&TARGETS[0], vec![program.into()], &Workspace::find().unwrap()).unwrap()
    }

    #[test]
    fn every_command_has_its_page_and_refers_only_to_pages_that_are_there() {
        let pages = man_pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"ductor.1") && names.contains(&"ductor-service-install.1"), "{names:?}");
        for family in ["ductor.1", "ductor-bot.1", "ductor-service.1", "ductor-service-install.1"] {
            let page =
                pages.iter().find(|(name, _)| name == family).map(|(_, page)| String::from_utf8_lossy(page));
            assert!(page.is_some_and(|page| page.contains("\n.SH EXAMPLES\n  ductor ")), "{family}");
        }
        for (name, page) in &pages {
            let page = String::from_utf8_lossy(page).replace('\\', "");
            for reference in page.lines().filter(|line| line.starts_with("ductor-") && line.ends_with("(1)"))
            {
                let file = reference.replace("(1)", ".1");
                assert!(names.contains(&file.as_str()), "{name} refers to {reference}");
            }
        }
    }

    #[test]
    fn the_unit_is_the_one_for_everybody() {
        let payload = sample(b"");
        let unit = payload.files.iter().find(|file| file.role == Role::Definition).unwrap();
        let text = String::from_utf8_lossy(&unit.bytes);
        assert!(text.contains("ExecStart=\"/usr/bin/ductor\"\n"), "{text}");
        assert!(text.contains("ConditionPathExists=%h/.ductor/config/config.json\n"), "{text}");
    }
}
