//! The *pages* of this repository, all that is Markdown: where their links lead, and which commands they tell people
//! to type.
//!
//! A test follows every link and has every command read by the real command lines; the lab types the `sh` blocks of the
//! manuals into a booted machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::workspace::output;

/// One page.
pub struct Page {
    /// Where it stands, from the top of the checkout.
    pub path: PathBuf,
    text: String,
}

/// Every page that git knows.
///
/// # Errors
/// git can't be asked, or a page can't be read.
pub fn pages(root: &Path) -> Result<Vec<Page>> {
    let list = output(Command::new("git").args(["ls-files", "-z", "*.md"]).current_dir(root))?;
    let list = String::from_utf8(list).context("a file name")?;
    list.split_terminator('\0').map(|path| Page::read(root, path)).collect()
}

impl Page {
    /// The page at `path` of the checkout.
    ///
    /// # Errors
    /// It can't be read.
    pub fn read(root: &Path, path: &str) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("read {path}"))?;
        Ok(Self { path: path.into(), text })
    }

    /// The blocks of code that are called exactly so (` ```sh `), in order.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let code = self.code().into_iter().filter(|code| code.language.as_deref() == Some(language));
        code.map(|code| code.text).collect()
    }

    fn events(&self) -> Parser<'_> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES)
    }

    fn code(&self) -> Vec<Code> {
        let (mut all, mut block) = (Vec::new(), None::<Code>);
        for event in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => Some(language.to_string()),
                        CodeBlockKind::Indented => None,
                    };
                    block = Some(Code { language, text: String::new() });
                }
                Event::Text(text) => block.iter_mut().for_each(|block| block.text.push_str(&text)),
                Event::End(TagEnd::CodeBlock) => all.extend(block.take()),
                Event::Code(text) => all.push(Code { language: None, text: text.to_string() }),
                _ => {}
            }
        }
        all
    }

    /// The commands in its code that are ours, each from the word `ductor` or `xtask` on.
    pub fn commands(&self) -> Vec<Vec<String>> {
        let mut commands = Vec::new();
        for line in self.code().iter().flat_map(|code| code.text.lines()) {
            // What no shell can read is no command.
            let words = shell_words::split(line.split(" #").next().unwrap_or(line)).unwrap_or_default();
            let parts = words.split(|word| ["&&", "||", "|"].contains(&&**word));
            commands.extend(parts.filter_map(ours).map(<[String]>::to_vec));
        }
        commands
    }
}

/// Code in a page: a block, or a few words in a sentence.
struct Code {
    language: Option<String>,
    text: String,
}

fn ours(words: &[String]) -> Option<&[String]> {
    let before = words.iter().take_while(|word| word.contains('=') || *word == "sudo").count();
    match &words[before..] {
        [cargo, xtask, ..] if cargo == "cargo" && xtask == "xtask" => words.get(before + 1..),
        [ductor, ..] if ductor == "ductor" || ductor.ends_with("/ductor") => words.get(before..),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;
    use crate::flags::Flags;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    impl Page {
        /// Its links to places in this repository.
        fn links(&self) -> Vec<String> {
            let links = self.events().filter_map(|event| match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    Some(dest_url.to_string())
                }
                _ => None,
            });
            links.filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
        }

        /// The names of its headings in links, as the forge makes them.
        fn anchors(&self) -> Vec<String> {
            let (mut anchors, mut heading) = (Vec::new(), None::<String>);
            for event in self.events() {
                match event {
                    Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                    Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take()),
                    Event::Text(text) | Event::Code(text) => {
                        heading.iter_mut().for_each(|heading| heading.push_str(&text));
                    }
                    _ => {}
                }
            }
            let slug = |heading: &String| {
                let heading = heading.to_lowercase().replace(' ', "-");
                heading.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
            };
            anchors.iter().map(slug).collect()
        }

        fn broken_links(&self) -> Vec<String> {
            let is_broken = |link: &String| {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let path = self.path.parent().unwrap().join(file);
                let anchors = match path.extension() {
                    _ if file.is_empty() => Some(self.anchors()),
                    Some(kind) if kind == "md" => {
                        Self::read(root(), path.to_str().unwrap()).ok().map(|page| page.anchors())
                    }
                    _ => root().join(path).exists().then(Vec::new),
                };
                anchors.is_none_or(|anchors| !anchor.is_empty() && !anchors.iter().any(|it| it == anchor))
            };
            self.links().into_iter().filter(is_broken).collect()
        }

        /// What the command lines say of the commands that they do not know.
        fn unknown_commands(&self) -> Vec<String> {
            let unknown = |words: Vec<String>| {
                let tree = if words[0] == "xtask" { Flags::command() } else { ductor::internals::command() };
                let error = tree.try_get_matches_from(&words).err()?;
                let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                (!is_help).then(|| format!("{}: {error}", words.join(" ")))
            };
            self.commands().into_iter().filter_map(unknown).collect()
        }
    }

    #[test]
    fn every_link_leads_somewhere() {
        let pages = pages(root()).unwrap();
        assert!(pages.len() > 5, "the pages are found");
        for page in pages {
            assert_eq!(page.broken_links(), [""; 0], "{}", page.path.display());
        }
    }

    #[test]
    fn every_command_is_one_that_the_command_lines_know() {
        let pages = pages(root()).unwrap();
        let count: usize = pages.iter().map(|page| page.commands().len()).sum();
        assert!(count > 50, "the commands are found: {count}");
        for page in pages {
            assert_eq!(page.unknown_commands(), [""; 0], "{}", page.path.display());
        }
    }

    #[test]
    fn a_link_to_nowhere_and_a_command_that_nobody_knows_are_found() {
        let text = "# One `two`, three\n\
            [a](#one-two-three) [b](#four) [c](src/none.rs) [d](src/lib.rs) [e](x.md#y) [f](https://x.y)\n\n\
            Type `ductor statsu`, or:\n\
            ```sh\nA=b sudo /x/ductor status # comment\ncargo xtask dist --al && x | ductor stop\n```\n";
        let page = Page { path: "a.md".into(), text: text.into() };
        assert_eq!(page.broken_links(), ["#four", "src/none.rs", "x.md#y"]);
        assert_eq!((page.commands().len(), page.blocks("sh").len()), (4, 1), "{:?}", page.commands());
        let unknown = page.unknown_commands();
        assert!(unknown.len() == 2 && unknown[1].starts_with("xtask dist --al: "), "{unknown:?}");
    }
}
