//! Where systemd is *absent*: what the machine runs instead, and what keeps the bot running there.

use std::env;
use std::fs;
use std::path::Path;

/// The cause and the fix that people are told, from facts below `root` (`/`).
pub fn explain(root: &Path) -> (&'static str, String) {
    let is_there = |path: &str| root.join(path).exists();
    // First: a container on Windows has the kernel of WSL, too. The files are made by Docker and Podman.
    if is_there(".dockerenv") || is_there("run/.containerenv") || env::var_os("KUBERNETES_PORT").is_some() {
        let fix = "ductor run   (as the container's command: it restarts the bot by itself)";
        return ("this container does not run systemd", fix.into());
    }
    let kernel = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).unwrap_or_default();
    if kernel.to_lowercase().contains("microsoft") {
        // learn.microsoft.com/windows/wsl/systemd
        let fix =
            r"printf '[boot]\nsystemd=true\n' | sudo tee -a /etc/wsl.conf, then in Windows: wsl --shutdown";
        return ("systemd is switched off in this WSL distribution", fix.into());
    }
    let cause = match is_there("run/openrc") {
        true => "this machine runs OpenRC, not systemd",
        false => "this machine does not run systemd",
    };
    (cause, format!("ductor run   (at every start of the machine: {})", at_boot()))
}

/// What has cron start a host: it restarts the bot by itself, so nothing has to restart the host.
fn at_boot() -> String {
    let program = env::current_exe().unwrap_or_else(|_| "ductor".into());
    let line = format!("@reboot {} run", shell_words::quote(&program.to_string_lossy()));
    format!("(crontab -l; echo {}) | crontab -", shell_words::quote(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_machine_is_told_apart() {
        let cases: [(&str, &[&str], &str); 5] = [
            ("6.1.0-18-amd64", &[], "this machine does not run systemd"),
            ("6.1.0-18-amd64", &["run/openrc"], "this machine runs OpenRC, not systemd"),
            ("5.15.153.1-microsoft-standard-WSL2", &[], "systemd is switched off in this WSL distribution"),
            ("4.4.0-19041-Microsoft", &[], "systemd is switched off in this WSL distribution"),
            ("5.15-microsoft-standard-WSL2", &[".dockerenv"], "this container does not run systemd"),
        ];
        for (kernel, there, cause) in cases {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("proc/sys/kernel")).unwrap();
            fs::write(root.path().join("proc/sys/kernel/osrelease"), kernel).unwrap();
            there.iter().for_each(|path| fs::create_dir_all(root.path().join(path)).unwrap());
            assert_eq!(explain(root.path()).0, cause, "{kernel} {there:?}");
        }
    }
}
