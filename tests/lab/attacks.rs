//! What users of one machine try on each other and on root: planted links and programs, a home full of traps under the
//! scripts of packages, the environment that comes along with sudo. Root is led nowhere; who plants harms nobody else.

use anyhow::{Result, ensure};
use xtask::bundle::{arch, rpm};
use xtask::lab::image::{BOOKWORM, FOREIGN, TRIXIE};
use xtask::lab::{Image, User};

use crate::foreign::put_made;
use crate::world::{World, put_package};

crate::tests![
    a_home_full_of_traps_under_a_deb,
    a_home_full_of_traps_under_an_rpm,
    a_home_full_of_traps_under_an_arch_package,
    nothing_that_comes_along_with_sudo_counts,
    root_is_not_led_into_a_home_by_variables,
    nothing_that_is_planted_among_units_is_followed,
    a_token_is_nowhere_but_in_the_bots_own_files,
];

/// What a machine and its package managers write by themselves.
const ASIDE: &[&str] = &[
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/pacman",
    "/var/lib/sudo",
    "/var/lib/systemd",
    "/var/tmp",
    "/run",
    "/srv",
    "/etc/rpm",
    "/etc/ld.so.cache",
    "/usr/share/doc",
    "/usr/share/man", // folders that the image came without
    "/home/alice/.ductor",
    "/home/alice/events",
];

/// Programs under names that ours start. Whoever runs one leaves a note with the number of the user.
const PLANT_PROGRAMS: &str = "mkdir -p ~/traps && for name in systemctl loginctl sudo journalctl python3 sh id ductor \
     systemd-run policy-rc.d deb-systemd-helper deb-systemd-invoke; do \
     printf '#!/bin/bash\\nid=/usr/bin/id; echo \"$0 $($id -u)\" >>/srv/taken\\n' >~/traps/$name; chmod 755 ~/traps/$name; done";

/// Links from wherever a unit or a file of ours stands in a home to what is root's.
const TRAPS: [&str; 3] = [
    "mkdir -p ~/.config/systemd && ln -s /etc/systemd/user ~/.config/systemd/user",
    "mkdir -p ~/.config/systemd/user/default.target.wants && cd ~/.config/systemd/user && \
     ln -s /etc/shadow ductor.service && ln -s /root ductor.service.d && \
     ln -s /etc/shadow default.target.wants/ductor.service",
    "mkdir -p ~/.local/share ~/.config && ln -s /etc ~/.config/systemd && ln -s /root ~/.local/share/ductor && \
     ln -s /root ~/.ductor",
];

fn a_home_full_of_traps_under_a_deb() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let install = |world: &World| put_package(world).map(|()| "/srv/ductor.deb".to_owned());
        traps(image, install, "dpkg --install", "dpkg --purge ductor")?;
    }
    Ok(())
}

fn a_home_full_of_traps_under_an_rpm() -> Result<()> {
    let prepare =
        "mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros; rpm -U --force --nodeps";
    traps(&FOREIGN, |world| put_made(world, &rpm::FORMAT), prepare, "rpm -e ductor")
}

fn a_home_full_of_traps_under_an_arch_package() -> Result<()> {
    let prepare = "mkdir -p /var/lib/pacman; pacman --noconfirm -U -dd";
    traps(&FOREIGN, |world| put_made(world, &arch::FORMAT), prepare, "pacman --noconfirm -R ductor")
}

/// Installs the package twice and removes it, while alice is logged in and her home leads root everywhere.
fn traps(image: &Image, put: impl Fn(&World) -> Result<String>, install: &str, remove: &str) -> Result<()> {
    for trap in TRAPS {
        let world = World::boot(image)?;
        let package = put(&world)?;
        world.sh("alice", &format!("{PLANT_PROGRAMS}; {trap}"))?.ok()?;
        let _alice = world.login("alice")?;
        let before = world.changes()?;
        for _ in 0..2 {
            world.sh("root", &format!("{install} {package}"))?.ended(0)?;
        }
        world.sh("root", remove)?.ended(0)?;
        let left = world.changes()?.since(&before, ASIDE)?;
        ensure!(left.is_empty(), "{trap}: {}", left.join("\n"));
        ensure!(!world.path("/srv/taken").exists(), "{trap}: {}", taken(&world));
    }
    Ok(())
}

fn taken(world: &World) -> String {
    std::fs::read_to_string(world.path("/srv/taken")).unwrap_or_default()
}

/// An administrator who lets everything through, and a user who sends everything.
fn nothing_that_comes_along_with_sudo_counts() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let sudoers = "printf '%s\\n' 'alice ALL=(ALL) NOPASSWD:SETENV: ALL' 'Defaults !env_reset, !secure_path' \
                   >/etc/sudoers.d/alice; mkdir -m 1777 /srv/open";
    world.sh("root", sudoers)?.ok()?;
    world.sh("alice", PLANT_PROGRAMS)?.ok()?;
    let _alice = world.login("alice")?;
    let before = world.changes()?;
    let variables = "PATH=~/traps:$PATH LD_PRELOAD=/home/alice/evil.so LD_LIBRARY_PATH=/home/alice \
                     DUCTOR_HOME=/home/alice/mine DUCTOR_BOT=/home/alice/traps/ductor DUCTOR_MANAGER=launchd \
                     DUCTOR_FAULT=1 DUCTOR_HOST_HOME=/home/alice/mine XDG_CONFIG_HOME=/etc XDG_RUNTIME_DIR=/root";
    for verb in [
        "service install",
        "service uninstall",
        "service status",
        "service logs --no-follow",
        "run",
        "stop",
        "restart",
        "bot install",
        "upgrade",
        "uninstall --purge --yes",
        "place /home/alice --from http://127.0.0.1:9",
        "agents list",
    ] {
        let line = format!("{variables} /usr/bin/sudo -n -E /usr/bin/ductor {verb}");
        let said = world.sh("alice", &line)?.ended(77)?;
        ensure!(said.stderr.lines().any(|line| line.starts_with("error: sudo: ")), "{said}");
    }
    let left = world.changes()?.since(&before, ASIDE)?;
    ensure!(left.is_empty(), "{}", left.join("\n"));
    ensure!(!world.path("/srv/taken").exists(), "{}", taken(&world));
    Ok(())
}

fn root_is_not_led_into_a_home_by_variables() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        world
            .sh("alice", "mkdir -p ~/.config/systemd && ln -s /etc/systemd/user ~/.config/systemd/user")?
            .ok()?;
        let _root = world.login("root")?;
        let before = world.changes()?;
        for (variable, verb) in [
            ("HOME=/home/alice", "service install --bot 'sleep 9'"),
            ("HOME=/home/alice", "service uninstall"),
            ("HOME=/home/alice", "run"),
            ("DUCTOR_HOME=/home/alice/.ductor", "run"),
            ("DUCTOR_HOME=/home/alice/.ductor", "service install --bot 'sleep 9'"),
            ("HOME=/home/alice", "uninstall --purge --yes"),
        ] {
            let refused = world.sh(User::Login("root"), &format!("{variable} ductor {verb}"))?.ended(77)?;
            ensure!(refused.stderr.contains("it belongs to another user, and this is root"), "{refused}");
        }
        let left = world.changes()?.since(&before, ASIDE)?;
        ensure!(left.is_empty(), "{}", left.join("\n"));
    }
    Ok(())
}

fn nothing_that_is_planted_among_units_is_followed() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    let looks =
        || world.sh("root", "stat -c '%a %U %s %Y' /home/alice/precious; cat /home/alice/precious")?.ok();
    world.give("alice", "precious", "precious\n", 0o640)?;
    let untouched = looks()?;
    let places = [
        ".config/systemd/user/ductor.service",
        ".config/systemd/user/ductor.service.d",
        ".config/systemd/user/ductor.service.d/ductor.conf",
        ".config/systemd/user/default.target.wants/ductor.service",
        ".config/systemd/user",
        ".local/share/ductor/linger",
        ".local/share/ductor",
    ];
    let plants = ["mkfifo", "mkdir", "ln -s ~/precious", "ln ~/precious"];
    // systemd itself waits for what a fifo among its own files says.
    let waits = |place: &str, plant: &str| plant == "mkfifo" && place.ends_with(".conf");
    let all = places.into_iter().flat_map(|place| plants.map(|plant| (place, plant)));
    for (place, plant) in all.filter(|(place, plant)| !waits(place, plant)) {
        let line = format!(
            "loginctl disable-linger; rm -rf ~/.config ~/.local ~/.ductor; mkdir -p ~/$(dirname {place}) && {plant} ~/{place}"
        );
        world.sh("alice", &line)?.ok()?;
        for words in [&["service", "install", "--bot", &bot][..], &["service", "uninstall"]] {
            let said = world.ductor("alice", words)?;
            let about = || format!("{plant} {place}: {said}");
            ensure!([0, 1, 78].contains(&said.code) && said.took.as_secs() < 60, "{}", about());
            ensure!(said.code == 0 || said.stderr.contains("error: "), "{}", about());
            assert_eq!(looks()?, untouched, "{}", about());
        }
        world
            .sh("alice", "systemctl --user stop ductor; systemctl --user reset-failed ductor; true")?
            .ok()?;
    }
    Ok(())
}

/// As `tests/it/hostile/secrets.rs`, with the real manager: a whole machine is looked through.
fn a_token_is_nowhere_but_in_the_bots_own_files() -> Result<()> {
    const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"; // of World::configure
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        world.configure("alice")?;
        world.give("alice", ".ductor/logs/agent.log", &format!("POST /bot{TOKEN}/getMe\n"), 0o600)?;
        let bot = world.make_bot("alice")?;
        world.give("alice", "variables", &format!("export TELEGRAM_TOKEN={TOKEN}\n"), 0o600)?;
        let mut said = String::new();
        for verb in [
            &format!("service install --bot {bot}"),
            "service status",
            "service status --json",
            "service doctor --json",
            "status --json",
            "restart",
            "service restart",
            "service stop",
            "service start",
        ] {
            let output = world.sh("alice", &format!(". ~/variables; ductor -v {verb}"))?;
            said.push_str(&format!("{output}\n"));
            let lines = world.sh("root", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")?.stdout;
            ensure!(!lines.contains(TOKEN), "a command line has it: {verb}");
        }
        ensure!(!said.contains(TOKEN), "{said}");
        world.sh("root", "pkill -ABRT -u alice -x ductor; true")?.ok()?;
        let private = "find ~/.config ~/.local ~/.ductor ! -type l ! -path '*/.ductor' ! -path '*/.ductor/config*' \
                       ! -path '*/.ductor/logs*' -newer ~/bot -perm /077 -print";
        let open = world.sh("alice", private)?.ok()?;
        ensure!(open.is_empty(), "others may read: {open}");
        // The machine's own journal too: what is not the bot's is ours, systemd's and sudo's.
        let search = format!(
            "journalctl --flush; journalctl --sync; grep -rlsaF '{TOKEN}' /home /root /etc /run /var /tmp /srv \
             --exclude=config.json --exclude=agent.log --exclude=variables"
        );
        let found = world.sh("root", &search)?;
        // 2 is said of a file that went away meanwhile.
        ensure!([1, 2].contains(&found.code) && found.stdout.is_empty(), "{found}");
    }
    Ok(())
}
