//! The *shell* into which people paste the commands of a fix: `sh` on Unix, PowerShell on Windows, of which the one
//! that Windows brings (5.1) knows no `&&`. Only what has to be written differently there is here.

use std::env;
use std::path::Path;

use crate::search_path;

/// A kind of shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Any shell of Unix.
    Unix,
    /// PowerShell, of any version.
    PowerShell,
}

impl Shell {
    /// That of this system.
    pub fn here() -> Self {
        if cfg!(windows) { Self::PowerShell } else { Self::Unix }
    }

    /// One command and, after it, another.
    pub fn then(self, first: &str, second: &str) -> String {
        match self {
            Self::Unix => format!("{first} && {second}"),
            Self::PowerShell => format!("{first}; {second}"),
        }
    }

    /// A program as the first word of a command, by its path.
    pub fn program(self, path: &Path) -> String {
        let quoted = self.quote(path);
        let is_plain = |letter: char| letter.is_alphanumeric() || r"\/:._-~".contains(letter);
        match self {
            Self::PowerShell if path.to_string_lossy().chars().all(is_plain) => path.display().to_string(),
            // A text alone is a value there, and no command (about_Operators, "Call operator").
            Self::PowerShell => format!("& {quoted}"),
            Self::Unix => quoted,
        }
    }

    /// A command of ours for another home; none for the default one.
    pub fn with_home(self, home: Option<&Path>, command: &str) -> String {
        match (self, home.map(|home| self.quote(home))) {
            (Self::Unix, Some(home)) => format!("DUCTOR_HOME={home} {command}"),
            (Self::Unix, None) => format!("env -u DUCTOR_HOME {command}"),
            (Self::PowerShell, home) => {
                let home = home.unwrap_or_else(|| "''".into()); // an empty value takes the variable away
                format!("$env:DUCTOR_HOME = {home}; {command}")
            }
        }
    }

    /// Shows which commands of ours run.
    pub fn our_processes(self) -> &'static str {
        match self {
            Self::Unix => "pgrep -a ductor",
            Self::PowerShell => "Get-Process ductor*",
        }
    }

    /// Opens a file for its owner to mend it.
    pub fn edit(self, file: &Path) -> String {
        let file = self.quote(file);
        match self {
            Self::Unix => format!("${{EDITOR:-vi}} {file}"),
            Self::PowerShell => format!("notepad {file}"),
        }
    }

    /// Shows how much room there is on the disk of `folder`.
    pub fn free_space(self, folder: &Path) -> String {
        match self {
            Self::Unix => format!("df -h {}", self.quote(folder)),
            Self::PowerShell => "Get-PSDrive -PSProvider FileSystem".into(),
        }
    }

    /// Shows the files in `folder`, the largest first.
    pub fn largest_files(self, folder: &Path) -> String {
        let quoted = self.quote(folder);
        match self {
            Self::Unix => format!("ls -lS {quoted}"),
            Self::PowerShell => {
                format!("Get-ChildItem -LiteralPath {quoted} | Sort-Object Length -Descending")
            }
        }
    }

    /// Fetches a script and has `program` run it (PowerShell runs it itself). A new Debian has wget and no curl.
    pub fn run_script(self, url: &str, program: &str) -> String {
        match self {
            Self::Unix if !has("curl") && has("wget") => format!("wget -qO- {url} | {program}"),
            Self::Unix => format!("curl -fsSL {url} | {program}"),
            Self::PowerShell => format!("irm {url} | iex"),
        }
    }

    /// How long [`put_first_on_path`](Self::put_first_on_path) lasts.
    pub fn how_long(self) -> &'static str {
        match self {
            Self::Unix => "for this shell and in your profile",
            Self::PowerShell => "for this window and those to come",
        }
    }

    /// Puts a folder in front of PATH.
    pub fn put_first_on_path(self, folder: &Path) -> String {
        match self {
            Self::Unix => {
                let folder = self.quote(folder);
                format!("export PATH={folder}:\"$PATH\"")
            }
            // By default it runs no profile (about_Execution_Policies), so the user's variables get it.
            Self::PowerShell => {
                let folder = self.quote(Path::new(&format!("{};", folder.display())));
                format!(
                    "$env:Path = {folder} + $env:Path; \
                     [Environment]::SetEnvironmentVariable('Path', \
                     {folder} + [Environment]::GetEnvironmentVariable('Path', 'User'), 'User')"
                )
            }
        }
    }

    /// A path as one word.
    fn quote(self, path: &Path) -> String {
        let path = path.to_string_lossy();
        match self {
            Self::Unix => shell_words::quote(&path).into_owned(),
            // Between single quotes nothing but they themselves means anything (about_Quoting_Rules).
            Self::PowerShell => format!("'{}'", path.replace('\'', "''")),
        }
    }
}

fn has(program: &str) -> bool {
    search_path::which(program, &env::var_os("PATH").unwrap_or_default()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_what_it_knows() {
        let (unix, power) = (Shell::Unix, Shell::PowerShell);
        let stop_and_start = |shell: Shell| shell.then("ductor stop", "ductor service start");
        assert_eq!(stop_and_start(unix), "ductor stop && ductor service start");
        assert_eq!(stop_and_start(power), "ductor stop; ductor service start");
        assert_eq!(unix.largest_files(Path::new("/home/o'brien x")), r#"ls -lS '/home/o'\''brien x'"#);
        assert_eq!(
            power.largest_files(Path::new(r"C:\Users\o'brien $x")),
            r"Get-ChildItem -LiteralPath 'C:\Users\o''brien $x' | Sort-Object Length -Descending"
        );
        assert_eq!(unix.edit(Path::new("/home/o x/config.json")), "${EDITOR:-vi} '/home/o x/config.json'");
        assert_eq!(power.edit(Path::new(r"C:\o x\config.json")), r"notepad 'C:\o x\config.json'");
        for (path, typed) in [
            (r"C:\Jörg\ductor.exe", r"C:\Jörg\ductor.exe"),
            (r"C:\o'brien x\ductor.exe", r"& 'C:\o''brien x\ductor.exe'"),
        ] {
            assert_eq!(power.program(Path::new(path)), typed);
        }
        assert_eq!(unix.program(Path::new("/home/o x/ductor")), "'/home/o x/ductor'");
        assert_eq!(
            unix.put_first_on_path(Path::new("/home/o'brien x/bin")),
            r#"export PATH='/home/o'\''brien x/bin':"$PATH""#
        );
        assert_eq!(
            power.put_first_on_path(Path::new(r"C:\Users\o'brien $x")),
            "$env:Path = 'C:\\Users\\o''brien $x;' + $env:Path; \
             [Environment]::SetEnvironmentVariable('Path', 'C:\\Users\\o''brien $x;' + \
             [Environment]::GetEnvironmentVariable('Path', 'User'), 'User')"
        );
        for command in [power.free_space(Path::new("C:/")), power.our_processes().into()] {
            assert!(command.starts_with("Get-"), "{command}");
        }
    }
}
