//! The *tree* of a host: everything that it started and what that started, whatever session it is in.
//!
//! While the host lives, the tree is what the process table says: orphans come back to the host, which adopts
//! them. Where nobody can (macOS) it is also what is left in its process groups, or has its mark. When the host was killed, the table forgets; then its *leftovers* are known by the mark that they
//! inherited in their environment. In both cases a process that was moved to another cgroup on purpose
//! (`systemd-run --user --scope`) is no member: somebody wants it to outlive the bot. The mark names the
//! cgroup, so that what systemd started with a copied environment is none either.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{lock, os};
use crate::home::Home;
use crate::process::{Process, Signal};

/// The home of the host, for everything in its tree. The bot changes `DUCTOR_HOME` for its sub-agents.
pub const HOST_HOME: &str = "DUCTOR_HOST_HOME";
/// The host itself: `PID:START:CGROUP`.
pub const HOST: &str = "DUCTOR_HOST";

/// How long killed processes may take to be gone. One that waits for a broken disk never goes.
pub const KILL_TIME: Duration = Duration::from_secs(3);

/// A look at all processes is not of one moment: it can miss who forks and ends meanwhile. So one that finds nothing
/// is not believed before it is the third, where something is still below us.
const LOOKS: usize = 3;

/// The processes below one root.
pub struct Tree {
    root: Process,
    spared: HashSet<Process>,
    cgroup: Option<String>,
    /// Of the bot, which may have ended.
    group: Option<u32>,
    /// To whom orphans go, where they do not come back to the root.
    reaper: Option<u32>,
}

impl Tree {
    /// The tree of this process, without the children that it was started with (`exec ductor > >(tee log)`).
    pub fn ours() -> Self {
        let tree = Self::of(Process::current());
        let spared = tree.root.descendants(&HashSet::new()).into_iter().collect();
        Self { spared, ..tree }
    }

    /// The tree of another process.
    pub fn of(root: Process) -> Self {
        let cgroup = os::cgroup(&root);
        Self { root, spared: HashSet::new(), cgroup, group: None, reaper: os::REAPER }
    }

    /// A bot was started in it.
    pub fn begin(&mut self, bot: &Process) {
        self.group = os::group(bot);
    }

    /// Its living members, without the root.
    pub fn members(&self) -> Vec<Process> {
        let mut members = self.root.descendants(&self.spared);
        members.extend(self.reaper.map_or_else(Vec::new, |reaper| self.orphans(reaper, &members)));
        members.retain(|process| holds(self.cgroup.as_deref(), process));
        members
    }

    /// What the process table no longer shows below the root: orphans in a process group of the tree, or with the
    /// mark of its host, and what is below them.
    fn orphans(&self, reaper: u32, members: &[Process]) -> Vec<Process> {
        let groups: HashSet<u32> = members.iter().filter_map(os::group).chain(self.group).collect();
        let is_left = |process: &Process| {
            let by_group = || os::group(process).is_some_and(|group| groups.contains(&group));
            let by_mark = || Mark::of(process).is_some_and(|mark| mark.host == self.root);
            *process != self.root
                && process.start >= self.root.start
                && !self.spared.contains(process)
                && process.parent().is_some_and(|parent| parent.pid == reaper)
                && (by_group() || by_mark())
        };
        let orphans = Process::all().into_iter().filter(is_left);
        orphans.flat_map(|orphan| [vec![orphan], orphan.descendants(&self.spared)].concat()).collect()
    }

    /// Kills every member, and what they start meanwhile.
    pub fn kill(&self) {
        if self.root != Process::current() {
            kill_all(|| self.members());
            return;
        }
        os::kill_orphans();
        let until = Instant::now() + KILL_TIME;
        // The usual end of a bot leaves no child, and costs no look at every process there is.
        for _ in 0..LOOKS {
            if os::is_childless() || Instant::now() >= until {
                return;
            }
            kill_all(|| self.members());
        }
    }
}

/// Kills what `find` finds until it finds nothing, for at most [`KILL_TIME`] from the first kill on: where a machine is
/// busy the look alone takes seconds. Returns how many it were.
pub fn kill_all(find: impl Fn() -> Vec<Process>) -> usize {
    let (mut killed, mut refused, mut until) = (0, HashSet::new(), None);
    loop {
        let mut found = find();
        found.retain(|process| !refused.contains(process));
        if found.is_empty() {
            return killed;
        }
        let deadline = *until.get_or_insert_with(|| Instant::now() + KILL_TIME);
        for process in &found {
            match process.signal(Signal::Kill) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => drop(refused.insert(*process)), // another user's by now (sudo)
                Ok(()) => killed += 1,
            }
        }
        for process in found.iter().filter(|process| !refused.contains(process)) {
            process.wait_gone(deadline);
        }
        if Instant::now() >= deadline {
            return killed;
        }
    }
}

/// What is left of the trees of hosts of this home that were killed. Never one of our own ancestors.
pub fn leftovers(home: &Home) -> Vec<Process> {
    let us = Process::current();
    let spared: HashSet<Process> = us.ancestors().into_iter().chain([us]).chain(lock::holder(home)).collect();
    let is_left = |process: &Process| {
        let left = |mark: Mark| !mark.host.is_alive() && mark.is_about(home) && mark.holds(process);
        !spared.contains(process) && process.is_ours() && Mark::of(process).is_some_and(left)
    };
    Process::all().into_iter().filter(is_left).collect()
}

/// A living host of this home, other than this process, in whose tree one of these processes is. The lock does not
/// tell of one whose file was taken away just now; until it has locked anew, a second bot could start.
///
/// Any process of this user can have a mark that names a stranger, who would be ended: a host runs a program of ours.
pub fn living_host(home: &Home, processes: Vec<Process>) -> Option<Process> {
    let host = |process: Process| {
        let mark = Mark::of(&process).filter(|mark| process.is_ours() && mark.holds(&process))?;
        let is_other = mark.host != Process::current() && mark.host.is_alive();
        (mark.is_about(home) && is_other && runs_ductor(&mark.host)).then_some(mark.host)
    };
    processes.into_iter().find_map(host)
}

/// It runs a program called as ours are, or as this one is.
pub fn runs_ductor(process: &Process) -> bool {
    let command = process.command();
    let stem = command.first().and_then(|program| Path::new(program).file_stem()?.to_str());
    let ours = std::env::current_exe().ok();
    let ours = ours.as_deref().and_then(|program| program.file_stem()?.to_str());
    let called = |name: &str| stem.is_some_and(|stem| stem.eq_ignore_ascii_case(name));
    called("ductor") || called("ductorw") || ours.is_some_and(called)
}

/// What a host writes into the environment of its tree.
pub struct Mark {
    home: OsString,
    /// The host.
    pub host: Process,
    cgroup: Option<String>,
}

impl Mark {
    /// The mark that a process inherited.
    pub fn of(process: &Process) -> Option<Self> {
        Self::parse(process.environment(HOST_HOME)?, process.environment(HOST)?.to_str()?)
    }

    fn parse(home: OsString, host: &str) -> Option<Self> {
        let mut parts = host.splitn(3, ':');
        let host = Process { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? };
        Some(Self { home, host, cgroup: parts.next().filter(|group| !group.is_empty()).map(Into::into) })
    }

    /// The variables with which this process, the host of `home`, marks its bot.
    pub fn ours(home: &Home) -> [(&'static str, OsString); 2] {
        let host = Process::current();
        let cgroup = os::cgroup(&host).unwrap_or_default();
        let value = format!("{}:{}:{cgroup}", host.pid, host.start);
        [(HOST_HOME, home.root().into()), (HOST, value.into())]
    }

    /// The host that made it is one of this home, which may have been named in another way.
    pub fn is_about(&self, home: &Home) -> bool {
        let its = Home::of(home.user().to_owned(), Some(self.home.clone()));
        its.is_ok_and(|its| its.is_the_same(home))
    }

    fn holds(&self, process: &Process) -> bool {
        holds(self.cgroup.as_deref(), process)
    }
}

/// The process is in this cgroup or below it, as systemd counts what belongs to a unit.
fn holds(cgroup: Option<&str>, process: &Process) -> bool {
    match (cgroup, os::cgroup(process)) {
        (Some(outer), Some(inner)) => is_within(outer, &inner),
        _ => true,
    }
}

fn is_within(outer: &str, inner: &str) -> bool {
    let below = inner.strip_prefix(outer.trim_end_matches('/'));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_in_a_scope_of_its_own_is_no_member() {
        let service = "/user.slice/user-1.slice/user@1.service/app.slice/ductor.service";
        assert!(is_within(service, service));
        assert!(is_within(service, &format!("{service}/sub")));
        assert!(!is_within(service, "/user.slice/user-1.slice/user@1.service/app.slice/run-r1.scope"));
        assert!(!is_within(service, &format!("{service}2")));
        assert!(is_within("/", "/") && is_within("/", "/any"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_found_is_killed_however_long_the_look_takes() {
        let (mut child, process) = crate::process::tests::start(&mut std::process::Command::new("cat"));
        let killed = kill_all(|| {
            std::thread::sleep(KILL_TIME);
            vec![process].into_iter().filter(Process::is_alive).collect()
        });
        assert_eq!((killed, process.is_alive()), (1, false));
        child.wait().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_mark_tells_its_host_and_its_home_by_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        let home = Home::of(dir.path().into(), Some(dir.path().into())).unwrap();
        let mark = |home: &std::path::Path, host| Mark::parse(home.into(), host);
        let ours = mark(&link, "7:99:/a:b").unwrap();
        assert_eq!((ours.host, ours.cgroup.as_deref()), (Process { pid: 7, start: 99 }, Some("/a:b")));
        assert!(ours.is_about(&home));
        assert!(!mark("/elsewhere".as_ref(), "7:99:").unwrap().is_about(&home));
        assert!(mark(&link, "7").is_none() && mark(&link, "x:1:").is_none());
    }

    /// A process whose parent has ended.
    #[cfg(unix)]
    fn orphan(command: &mut std::process::Command) -> Process {
        let output = command.output().unwrap();
        Process::of(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn where_orphans_do_not_come_back_they_are_known_by_group_or_mark() {
        use std::os::unix::process::CommandExt;
        use std::process::Command;

        let home = Home::of("/nowhere".into(), None).unwrap();
        let line = "$0 sleep 1000 >/dev/null 2>&1 & echo $!";
        let by_group = orphan(Command::new("sh").args(["-c", line, "env"]).process_group(0));
        let by_mark = orphan(Command::new("sh").args(["-c", line, "setsid"]).envs(Mark::ours(&home)));
        let stranger = orphan(Command::new("sh").args(["-c", line, "setsid"]));
        let mut tree = Tree { reaper: by_group.parent().map(|it| it.pid), ..Tree::of(Process::current()) };
        tree.group = os::group(&by_group);
        let is_member = |tree: &Tree| {
            let members = tree.members();
            [by_group, by_mark, stranger].map(|process| members.contains(&process))
        };
        assert_eq!(is_member(&tree), [true, true, false]);
        tree.reaper = None;
        assert_eq!(is_member(&tree), [false; 3], "they would have come back");
        for process in [by_group, by_mark, stranger] {
            process.signal(Signal::Kill).unwrap();
        }
    }
}
