//! How a machine is switched on, by systemd-nspawn, and off.
//!
//! Facts it rests on (systemd-nspawn(1), and seen on systemd 252):
//! - with `--keep-unit` nspawn ends (133) when the machine reboots: the same files are booted again;
//! - nspawn killed alone leaves the machine's init running: init is killed first;
//! - a dead nspawn may stay a zombie for a while: a zombie has no `/proc/PID/exe`.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{Machine, Network, cgroup};
use crate::lab::image::Init;
use crate::lab::util::{tail, wait_for};

/// No boot was seen to take longer than 2 s; a computer may have more to do than this.
pub(super) const BOOT: Duration = Duration::from_secs(120);

impl Machine {
    pub(super) fn start(&self, network: Network) -> Result<()> {
        let console = File::options().create(true).append(true).open(self.console())?;
        let mut nspawn = Command::new("setsid"); // outlives the terminal, and a Ctrl-C there
        nspawn.args([
            "sh",
            "-c",
            "while [ \"$1\" != -- ]; do echo $$ >\"$1/cgroup.procs\"; shift; done; shift; exec \"$@\"",
            "_",
        ]);
        nspawn.args(cgroup::make(&self.name)?).arg("--");
        if self.image()?.cgroup2 {
            nspawn.args(["unshare", "--mount", "sh", "-c", cgroup::VERSION_2_ALONE, "_"]);
        }
        nspawn.args(["systemd-nspawn", "-q", "-b", "--register=no"]);
        nspawn.args(["--keep-unit", "--console=pipe", "--link-journal=no"]);
        nspawn.arg(format!("--machine={}", self.name)).arg("-D").arg(self.root());
        match network {
            Network::Loopback => drop(nspawn.arg("--private-network")),
            Network::Host => fs::write(self.folder.join("network"), "")?,
        }
        nspawn.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
        let mut child = nspawn.spawn().context("start systemd-nspawn")?;
        fs::write(self.folder.join("pid"), child.id().to_string())?;
        thread::spawn(move || child.wait()); // else it stays a zombie
        self.wait_until_up()
    }

    fn wait_until_up(&self) -> Result<()> {
        let (ask, answers): (&[&str], _) = match self.image()?.init {
            Init::Systemd => (&["systemctl", "is-system-running"], ["running", "degraded"]),
            Init::OpenRc => (&["ls", "/run/up"], ["/run/up", "/run/up"]),
        };
        let up = wait_for(&format!("{} is up", self.name), BOOT, || {
            let answer = self.inside(ask)?.stderr(Stdio::null()).output()?;
            let state = String::from_utf8_lossy(&answer.stdout);
            match state.trim() {
                up if answers.contains(&up) => Ok(Some(())),
                other => bail!("{} says {other:?}", ask.join(" ")),
            }
        });
        up.map_err(|error| {
            let console = fs::read_to_string(self.console()).unwrap_or_default();
            error.context(format!("the console of {}:\n{}", self.name, tail(&console, 15)))
        })
    }

    pub(super) fn pull_the_plug(&self) {
        let (nspawn, init) = (self.nspawn(), self.init());
        for pid in [init, nspawn].into_iter().flatten() {
            let _gone = kill_process(pid, Signal::KILL);
            let _late = wait_for("its end", Duration::from_millis(200), || Ok((!runs(pid)).then_some(())));
        }
    }

    /// The nspawn of this machine, while it runs.
    pub(super) fn nspawn(&self) -> Option<Pid> {
        let pid = fs::read_to_string(self.folder.join("pid")).ok()?;
        let exe = fs::read_link(format!("/proc/{}/exe", pid.trim())).ok()?;
        // At first it is still `setsid` or `sh`, with a name of ours in its arguments.
        let line = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).ok()?;
        let ours = exe.ends_with("systemd-nspawn") || line.contains("systemd-nspawn");
        ours.then(|| Pid::from_raw(pid.trim().parse().ok()?)).flatten()
    }

    /// The machine's first process, as the computer sees it. While it boots, nspawn has another child too,
    /// which is still outside.
    pub(super) fn init(&self) -> Option<Pid> {
        let nspawn = self.nspawn()?;
        let outside = fs::read_link("/proc/self/ns/pid").ok()?;
        let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
        let inside = |child: &&str| {
            fs::read_link(format!("/proc/{child}/ns/pid")).is_ok_and(|namespace| namespace != outside)
        };
        Pid::from_raw(children.split_whitespace().find(inside)?.parse().ok()?)
    }
}

fn runs(pid: Pid) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}
