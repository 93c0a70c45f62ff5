//! One line installs, `ductor upgrade` puts another version in its place, `ductor uninstall` leaves nothing; and
//! whatever is wrong with a download is refused with a sentence and changes nothing.

use anyhow::{Context, Result, ensure};
use xtask::bundle::{arch, rpm};
use xtask::lab::Output;
use xtask::lab::image::{BOOKWORM, FOREIGN};
use xtask::workspace::Workspace;
use xtask::{cargo_dist, manifest, tools};

use crate::foreign::put_made;
use crate::web::{LATEST, PROGRAM, THIS, Web, archives, program};
use crate::world::World;

crate::tests![
    from_one_line_to_nothing_left,
    what_does_not_come_up_goes_back,
    an_older_version_has_to_be_asked_for,
    with_what_there_is,
    a_damaged_release_is_refused_by_the_installer,
    a_damaged_release_is_refused_by_upgrade,
    a_machine_that_can_not_take_it_is_left_as_it_was,
    half_an_installer_does_nothing,
    who_is_not_configured_is_told_what_is_next,
    the_bots_own_command_stays,
    what_cargo_dists_installer_placed_is_taken_away,
    sudo_is_refused,
    a_package_is_left_to_its_manager,
];

/// What a machine writes by itself, and the bot.
pub const ASIDE: &[&str] = &[
    "/var/log",
    "/var/lib/systemd",
    "/var/tmp",
    "/srv",
    "/home/alice/.ductor",
    "/home/alice/events",
    "/home/alice/.local/lib",
];

/// A version after this one, of the same length.
pub fn next() -> String {
    format!("9{}", &THIS[1..])
}

fn from_one_line_to_nothing_left() -> Result<()> {
    let web = Web::boot()?;
    let _alice = web.login("alice")?;
    let before = web.changes()?;
    let rehearsed = web.install("--dry-run")?.ended(0)?;
    assert!(rehearsed.stdout.contains(&format!("write {PROGRAM}\n")), "{rehearsed}");
    assert_eq!(web.changes()?.since(&before, ASIDE)?, [""; 0], "a rehearsal changes nothing");

    let installed = web.install("")?.ended(0)?;
    assert!(installed.stderr.contains("the signature is right"), "{installed}");
    web.is_up(THIS)?;
    web.sh(
        "alice",
        "zcat -f ~/.local/share/man/man1/ductor.1 | grep -q ductor && \
                     test -e ~/.local/share/bash-completion/completions/ductor",
    )?
    .ok()?;
    web.started("alice", 1)?;
    web.install("")?.ended(0)?;
    web.started("alice", 2)?; // installed again: once more, and one restart
    web.is_up(THIS)?;

    web.publish(&next(), &program(&next())?)?;
    let check = web.type_in(&["upgrade", "--check"])?.ended(0)?;
    assert_eq!(check.stdout, format!("ductor {} is there; this is {THIS}\n", next()));
    web.type_in(&["upgrade"])?.ended(0)?;
    web.is_up(&next())?;
    web.started("alice", 3)?;
    assert_eq!(web.count("alice", "term")?, 2, "one restart");
    let again = web.type_in(&["upgrade"])?.ended(0)?;
    assert_eq!(again.stdout, format!("ductor {} is here already\n", next()));

    web.sh("alice", "mkdir -p ~/.local/share/ductor/bot/1 && echo 1 >~/.local/share/ductor/bot/current")?
        .ok()?;
    let asked = web.type_in(&["uninstall", "--purge"])?.ended(1)?;
    assert!(asked.stderr.contains("ductor uninstall --purge --yes"), "{asked}");
    let installed = web.changes()?;
    let rehearsed = web.type_in(&["uninstall", "--dry-run"])?.ended(0)?;
    assert!(rehearsed.stdout.contains(&format!("remove {PROGRAM}\n")), "{rehearsed}");
    assert_eq!(web.changes()?.since(&installed, ASIDE)?, [""; 0]);
    let gone = web.type_in(&["uninstall"])?.ended(0)?;
    assert!(gone.stderr.contains("kept /home/alice/.ductor"), "{gone}");
    web.run("root", &["pgrep", "-u", "alice", "-x", "ductor"])?.ended(1)?;
    assert!(!web.path("/var/lib/systemd/linger/alice").exists(), "linger that ductor switched on");
    let left = web.changes()?.since(&before, ASIDE)?;
    assert!(left.is_empty(), "{}", left.join("\n"));

    web.publish(THIS, &program(THIS)?)?;
    web.install("--no-service")?.ended(0)?;
    web.type_in(&["uninstall", "--purge", "--yes"])?.ended(0)?;
    assert!(!web.path("/home/alice/.ductor").exists());
    Ok(())
}

fn what_does_not_come_up_goes_back() -> Result<()> {
    let web = Web::boot()?;
    let _alice = web.login("alice")?;
    web.install("")?.ended(0)?;
    let bots = web.give("alice", "refused", &format!("ductor {}\n", next()), 0o644)?;
    let before = web.changes()?;
    let goes_back = |said: &[&str]| -> Result<()> {
        let refused = web.type_in(&["upgrade"])?.ended(1)?;
        assert!(said.iter().all(|said| refused.stderr.contains(said)), "{refused}");
        assert!(refused.stderr.contains(&format!("\n  {THIS} is back, and runs\n")), "{refused}");
        assert_eq!(web.changes()?.since(&before, ASIDE)?, [""; 0], "{refused}");
        web.is_up(THIS)
    };
    // The host runs, its bot does not.
    web.publish(&next(), &program(&next())?)?;
    goes_back(&["the bot: ended with", &format!("not under ductor {}", next())])?;
    // The program itself does not do what it says.
    let broken = "#!/bin/sh\n[ \"$*\" != --version ] || exec echo ductor 99.0.0\necho broken >&2; exit 3\n";
    web.publish("99.0.0", broken.as_bytes())?;
    goes_back(&["it did not come up: ", "broken"])?;

    web.run("root", &["rm", &bots])?.ok()?;
    web.type_in(&["upgrade", "--version", &next()])?.ended(0)?;
    web.is_up(&next())
}

fn an_older_version_has_to_be_asked_for() -> Result<()> {
    let web = Web::boot()?;
    web.publish(&next(), &program(&next())?)?;
    web.install("--no-service")?.ended(0)?;
    web.run("root", &["ln", "-sfn", &format!("../download/v{THIS}"), "/srv/web/latest/download"])?.ok()?;
    let refused = web.type_in(&["upgrade"])?.ended(1)?;
    assert!(refused.stderr.ends_with(&format!("ductor upgrade --version {THIS}\n")), "{refused}");
    web.type_in(&["upgrade", "--version", THIS])?.ended(0)?;
    assert_eq!(web.type_in(&["--version"])?.ok()?, format!("ductor {THIS}"));
    // And from the line itself: this one, whatever the latest is.
    web.install(&format!("--no-service --version {}", next()))?.ended(0)?;
    assert_eq!(web.type_in(&["--version"])?.ok()?, format!("ductor {}", next()));
    let none = web.type_in(&["upgrade", "--version", "8.0.0"])?.ended(1)?;
    assert!(none.stderr.contains("could not be fetched"), "{none}");
    Ok(())
}

/// Each with one program fewer on the machine.
fn with_what_there_is() -> Result<()> {
    let web = Web::boot()?;
    web.run("root", &["cp", &format!("/srv/web/download/v{THIS}/install.sh"), "/srv/install.sh"])?.ok()?;
    let install = |shell: &str, options: &str| {
        web.sh("alice", &format!("{shell} /srv/install.sh --from {LATEST} --no-service {options}"))
    };
    let steps = [
        ("dash", "/usr/bin/curl", "the signature is right"),
        ("bash", "/usr/bin/xz", "the signature is right"),
        ("busybox ash", "/usr/bin/minisign", "the signature is right"),
        ("sh", "/usr/bin/openssl", "the signature was not checked (neither minisign nor OpenSSL 3 is here)"),
    ];
    for (shell, without, says) in steps {
        web.run("root", &["rm", "-f", without])?.ok()?;
        let installed = install(shell, "")?.ended(0)?;
        assert!(installed.stderr.contains(says), "without {without}: {installed}");
        web.type_in(&["uninstall"])?.ended(0)?;
    }
    let refused = install("sh", "--require-signature")?.ended(1)?;
    assert!(refused.stderr.contains("not checked"), "{refused}");
    web.run("root", &["rm", "/usr/bin/wget"])?.ok()?;
    let refused = install("sh", "")?.ended(1)?;
    assert!(refused.stderr.contains("error: no curl and no wget"), "{refused}");
    assert!(!web.path(PROGRAM).exists());
    Ok(())
}

/// What can be wrong with a release: how it came to be, as root in its folder, and the sentence.
const DAMAGES: [(&str, &str); 9] = [
    ("echo | tee -a ductor-*.tar.xz", "its hash is not the one in sha256.sum"),
    ("truncate -s -100 ductor-*.tar.xz", "its hash is not the one in sha256.sum"),
    ("rm ductor-*.tar.xz", ".tar.xz: it could not be fetched"),
    ("rm sha256.sum", "sha256.sum: it could not be fetched"),
    ("rm sha256.sum.minisig", "sha256.sum.minisig: it could not be fetched"),
    ("echo >>sha256.sum", "signature"),
    ("echo | tee -a ductor-*.tar.xz; sha256sum -b ductor-* dist-manifest.json >sha256.sum", "signature"),
    ("sed -i '2s/^.\\{30\\}/RUQf6LRCGA9i559r3g7V1qNyJDApGi/' sha256.sum.minisig", "signature"),
    ("minisign -G -W -f -p /srv/p -s /srv/s >/dev/null; minisign -S -s /srv/s -m sha256.sum", "signature"),
];

/// Has each damage refused by `attempt`, with nothing changed.
fn is_refused(web: &Web, version: &str, attempt: impl Fn() -> Result<Output>) -> Result<()> {
    let folder = format!("/srv/web/download/v{version}");
    web.run("root", &["cp", "-a", &folder, "/srv/whole"])?.ok()?;
    let before = web.changes()?;
    for (damage, sentence) in DAMAGES {
        let line = format!("rm -r {folder} && cp -a /srv/whole {folder} && cd {folder} && {damage}");
        web.sh("root", &line)?.ok()?;
        let refused = attempt()?.ended(1).context(damage)?;
        ensure!(
            refused.stderr.contains("error: ") && refused.stderr.contains(sentence),
            "{damage}: {refused}"
        );
        let left = web.changes()?.since(&before, ASIDE)?;
        ensure!(left.is_empty(), "{damage}: {refused}\n{}", left.join("\n"));
        let temporary = web.sh("alice", "ls -d /tmp/ductor-install.* 2>/dev/null")?;
        ensure!(temporary.stdout.is_empty(), "{damage}: {temporary}");
    }
    Ok(())
}

fn a_damaged_release_is_refused_by_the_installer() -> Result<()> {
    let web = Web::boot()?;
    let install = || web.install("--no-service");
    is_refused(&web, THIS, install)?;
    // As strictly where OpenSSL is what there is.
    web.publish(THIS, &program(THIS)?)?;
    web.run("root", &["rm", "/usr/bin/minisign"])?.ok()?;
    let line = format!("cd /srv/web/download/v{THIS} && echo >>sha256.sum");
    web.sh("root", &line)?.ok()?;
    let refused = install()?.ended(1)?;
    assert!(refused.stderr.contains("signature is not by the key"), "{refused}");
    Ok(())
}

fn a_damaged_release_is_refused_by_upgrade() -> Result<()> {
    let web = Web::boot()?;
    web.install("--no-service")?.ended(0)?;
    web.publish(&next(), &program(&next())?)?;
    is_refused(&web, &next(), || web.type_in(&["upgrade"]))
}

fn a_machine_that_can_not_take_it_is_left_as_it_was() -> Result<()> {
    let web = Web::boot()?;
    let small = |path: &str, size: &str| {
        format!(
            "mkdir -p {path} && mount -t tmpfs -o size={size},uid=1000,gid=1000 tmpfs {path} && chown alice: $(dirname {path})"
        )
    };
    let bin = "/home/alice/.local/bin";
    let troubles = [
        (format!("mkdir -m 555 {bin} && chown alice: {bin}"), "", "Permission denied"),
        (small(bin, "500k"), "", "No space left"),
        (small("/mnt/small", "100k"), "TMPDIR=/mnt/small", "could not be fetched"),
        ("mount -t tmpfs -o noexec,mode=1777 tmpfs /mnt".into(), "TMPDIR=/mnt", "does not run here"),
        // Far into it: the program is in its place by then.
        ("touch /home/alice/.local/share && chown alice: /home/alice/.local/share".into(), "", "share"),
    ];
    for (trouble, environment, sentence) in troubles {
        web.sh("root", &trouble)?.ok()?;
        let before = web.changes()?;
        let line = format!("curl -fsS {LATEST}/install.sh | env {environment} sh -s -- --from {LATEST}");
        let refused = web.sh("alice", &line)?.ended(1)?;
        assert!(
            refused.stderr.contains("error: ") && refused.stderr.contains(sentence),
            "{trouble}: {refused}"
        );
        let left = web.changes()?.since(&before, ASIDE)?;
        assert!(left.is_empty(), "{trouble}: {}", left.join("\n"));
        let left = web.sh("alice", &format!("ls -A {bin} /mnt/small; ls -d /tmp/ductor-install.*"))?.stdout;
        assert!(!left.contains("ductor"), "{trouble}: {left}");
        web.sh("root", &format!("umount {bin} /mnt/small /mnt 2>/dev/null; rmdir {bin} 2>/dev/null; true"))?
            .ok()?;
    }
    Ok(())
}

fn half_an_installer_does_nothing() -> Result<()> {
    let web = Web::boot()?;
    let before = web.changes()?;
    let script = format!("/srv/web/download/v{THIS}/install.sh");
    let size = std::fs::metadata(web.path(&script))?.len();
    // The last byte ends the line, the one before it the command.
    let sizes: Vec<String> =
        (0..size - 2).step_by(97).chain(size - 20..size - 2).map(|size| size.to_string()).collect();
    let feed = format!(
        "for size in {}; do head -c $size {script} | sh -s -- --from {LATEST} --no-service; done 2>&1; \
         curl -fsS {LATEST}/install.sh | head -c 5000 | bash -s -- --from {LATEST} --no-service",
        sizes.join(" ")
    );
    let said = web.sh("alice", &feed)?;
    assert!(!said.stdout.contains("fetching"), "{said}");
    assert_eq!(web.changes()?.since(&before, ASIDE)?, [""; 0]);
    Ok(())
}

fn who_is_not_configured_is_told_what_is_next() -> Result<()> {
    let web = Web::boot()?;
    web.run("root", &["rm", "-r", "/home/alice/.ductor"])?.ok()?;
    let installed = web.install("")?.ended(0)?;
    let next = format!("next, in a terminal: {PROGRAM} onboarding\n");
    assert!(installed.stderr.ends_with(&next), "{installed}");
    assert!(!installed.stderr.contains("error: "), "{installed}");
    let hint = "/home/alice/.local/bin is not on PATH";
    assert!(installed.stderr.contains(hint), "{installed}");
    Ok(())
}

fn the_bots_own_command_stays() -> Result<()> {
    let web = Web::boot()?;
    let theirs = web.give("alice", ".local/bin/ductor", "#!/usr/bin/python3\n", 0o755)?;
    let refused = web.install("--no-service")?.ended(1)?;
    assert!(refused.stderr.contains(&format!("error: {theirs}: another program of this name")), "{refused}");
    assert_eq!(web.read("alice", ".local/bin/ductor"), "#!/usr/bin/python3\n");
    // The line that it names, as somebody pastes it.
    let line = refused.stderr.split("fix: ").nth(1).context("it names a line")?.trim();
    web.sh("alice", &format!("{line} --no-service"))?.ended(0)?;
    web.run("alice", &["/home/alice/.ductor-native/bin/ductor", "uninstall"])?.ended(0)?;
    assert!(!web.path("/home/alice/.ductor-native").exists());
    Ok(())
}

/// `ductor-installer.sh` as `dist` makes it, which changes the profile as well.
fn what_cargo_dists_installer_placed_is_taken_away() -> Result<()> {
    let web = Web::boot()?;
    let before = web.changes()?;
    tools::fetch()?;
    let manifest = serde_json::from_slice(&std::fs::read(archives().join(manifest::FILE))?)?;
    let made = cargo_dist::make(&Workspace::find()?, &manifest)?.files;
    let (_, script) = made.iter().find(|(name, _)| name == "ductor-installer.sh").context("no installer")?;
    std::fs::write(web.path("/srv/ductor-installer.sh"), script)?;
    let line = format!("DUCTOR_DOWNLOAD_URL={LATEST} sh /srv/ductor-installer.sh");
    web.sh("alice", &line)?.ended(0)?;
    assert!(web.path("/home/alice/.config/ductor/ductor-receipt.json").exists());
    let refused = web.type_in(&["upgrade"])?.ended(1)?;
    assert!(refused.stderr.contains("belongs to cargo-dist's installer"), "{refused}");
    let gone = web.type_in(&["uninstall"])?.ended(0)?;
    assert!(gone.stderr.contains("kept /home/alice/.config/ductor/env.sh"), "{gone}");
    assert!(
        !web.path(PROGRAM).exists() && !web.path("/home/alice/.config/ductor/ductor-receipt.json").exists()
    );

    // Who has the folder on PATH gets no change of the profile, and nothing is left.
    web.run("root", &["rm", "-rf", "/home/alice/.config/ductor", "/home/alice/.config/fish"])?.ok()?;
    web.sh("alice", &format!("PATH=$HOME/.local/bin:$PATH {line}"))?.ended(0)?;
    web.type_in(&["uninstall"])?.ended(0)?;
    let left = web.changes()?.since(&before, ASIDE)?;
    let ours = left.iter().filter(|line| line.contains("ductor")).count();
    assert_eq!(ours, 0, "{}", left.join("\n"));
    Ok(())
}

fn sudo_is_refused() -> Result<()> {
    let web = Web::boot()?;
    let before = web.changes()?;
    let line = format!("curl -fsS {LATEST}/install.sh | SUDO_UID=1000 sh -s -- --from {LATEST}");
    let refused = web.sh("root", &line)?.ended(77)?;
    assert!(refused.stderr.contains("the same command without sudo"), "{refused}");
    assert_eq!(web.changes()?.since(&before, ASIDE)?, [""; 0]);
    Ok(())
}

fn a_package_is_left_to_its_manager() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    is_left_to(&world, "apt", "sudo apt remove ductor", "sudo apt install ")?;
    // Debian's rpm has a database for each user.
    let rpm = "mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros && rpm --install --nodeps";
    let pacman = "mkdir -p /var/lib/pacman && pacman --noconfirm -U -dd";
    let formats = [
        (&rpm::FORMAT, rpm, "rpm", "sudo rpm -e ductor", "sudo rpm -U "),
        (&arch::FORMAT, pacman, "pacman", "sudo pacman -R $(pacman -Qoq /usr/bin/ductor)", "sudo pacman -U "),
    ];
    for (format, install, manager, remove, upgrade) in formats {
        let world = World::boot(&FOREIGN)?;
        let package = put_made(&world, format)?;
        world.sh("root", &format!("{install} {package}"))?.ended(0)?;
        is_left_to(&world, manager, remove, upgrade)?;
    }
    Ok(())
}

fn is_left_to(world: &World, manager: &str, remove: &str, upgrade: &str) -> Result<()> {
    let before = world.changes()?;
    let remove = format!("ductor service uninstall && {remove}");
    for (verb, command) in [("uninstall", remove.as_str()), ("upgrade", upgrade)] {
        let left = world.ductor("alice", &[verb])?.ended(1)?;
        let fix = left.stderr.split("fix: ").nth(1).context("it names a command")?;
        let belongs = format!("/usr/bin/ductor belongs to {manager}");
        assert!(left.stderr.contains(&belongs) && fix.starts_with(command), "{left}");
    }
    assert_eq!(world.changes()?.since(&before, ASIDE)?, [""; 0]);
    Ok(())
}
