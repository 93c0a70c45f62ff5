//! The *state* of one fake machine: a folder of small files. Tests write the *settings* (how the machine behaves),
//! fakes the rest; all of it is there for a person to look at when a test failed.
//!
//! Settings of every fake: `fail-at` holds the number of the call that fails and does nothing, `lie-at` that of
//! the call that does nothing and says that it did. Calls are counted over all fakes of the machine, from 1, by the
//! lines of the file `calls`. In place of a number a verb stands for the first call of it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The variable that names the folder.
pub const STATE: &str = "FAKE_STATE";

/// The folder with the state of one fake machine.
#[derive(Clone, Debug)]
pub struct State(PathBuf);

/// What a call shall do, whatever it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// What it asks for.
    Work,
    /// Nothing, and fail.
    Fail,
    /// Nothing, and say that it is done.
    Lie,
}

impl State {
    /// That of the machine which the environment names; none when it names none.
    pub fn find() -> Option<Self> {
        std::env::var_os(STATE).map(|folder| Self(folder.into()))
    }

    /// That in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// A file or folder of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a file holds, without the blanks around it; none when it is not there.
    pub fn get(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok().map(|text| text.trim().to_owned())
    }

    /// The number that a file holds.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Whether a file is there.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Gives a file this text, so that nobody ever reads a part of it.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn set(&self, name: &str, text: &str) -> std::io::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let temporary = path.with_file_name(format!(".{}.{}", name.replace('/', "."), std::process::id()));
        fs::write(&temporary, text)?;
        fs::rename(temporary, path)
    }

    /// Removes a file; it may be gone.
    pub fn remove(&self, name: &str) {
        let _gone = fs::remove_file(self.path(name));
    }

    /// Takes the first word from a file of words (`5 5 37 0`); none when no word is left.
    pub fn take_word(&self, name: &str) -> Option<String> {
        let words = self.get(name)?;
        let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((&words, ""));
        self.set(name, rest).ok()?;
        Some(first.to_owned()).filter(|word| !word.is_empty())
    }

    /// Notes a call in `calls`, and looks up what it shall do.
    pub fn call(&self, program: &str, args: &[String]) -> Order {
        let mut calls = fs::OpenOptions::new().create(true).append(true).open(self.path("calls")).ok();
        if let Some(calls) = &mut calls {
            let _full_disk = calls.write_all(format!("{program} {}\n", args.join(" ")).as_bytes());
        }
        let calls = self.get("calls").unwrap_or_default();
        let first_of = |verb: &str| {
            let before = calls.lines().filter(|call| call.split(' ').nth(1) == Some(verb)).count();
            before == 1 && args.first().is_some_and(|it| it == verb)
        };
        let is_told = |setting: &str| match self.get(setting) {
            Some(told) => told == calls.lines().count().to_string() || first_of(&told),
            None => false,
        };
        if is_told("fail-at") {
            Order::Fail
        } else if is_told("lie-at") {
            Order::Lie
        } else {
            Order::Work
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_that_is_named_fails_or_lies() {
        let dir = std::env::temp_dir().join(format!("fakes-state-{}", std::process::id()));
        fs::create_dir_all(&dir).ok();
        let state = State::at(&dir);
        state.set("fail-at", "2\n").ok();
        state.set("lie-at", "3").ok();
        let calls = ["a", "b", "c", "d"].map(|word| state.call("x", &[word.into(), "y".into()]));
        assert_eq!(calls, [Order::Work, Order::Fail, Order::Lie, Order::Work]);
        assert_eq!(state.get("calls").as_deref(), Some("x a y\nx b y\nx c y\nx d y"));
        state.set("codes", "5 37\n").ok();
        assert_eq!([0; 3].map(|_| state.take_word("codes")), [Some("5".into()), Some("37".into()), None]);
        state.remove("lie-at");
        state.set("fail-at", "b").ok();
        state.remove("calls");
        assert_eq!(
            ["a", "b", "b"].map(|word| state.call("x", &[word.into()])),
            [Order::Work, Order::Fail, Order::Work]
        );
        fs::remove_dir_all(dir).ok();
    }
}
