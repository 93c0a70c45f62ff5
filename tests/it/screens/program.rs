//! What has nothing to do with the manager: the bot, a host in the foreground, and the program itself, which is placed,
//! upgraded and taken away.

use std::fs;
use std::process::Command;

use super::Session;
use crate::cut::release;
use crate::onboarding::{SERVICE, TOKEN, bot_with_wizard};
use crate::systemd::Linux;
use crate::terminal::typed;
use crate::world::{Said, World};

/// No manager can be asked, whatever the machine of the tests has, and no bot is found.
fn alone(world: &World, words: &[&str]) -> Command {
    let mut command = world.ductor(words);
    command.env("PATH", world.only_ductor()).env("LANG", "C.UTF-8").env_remove("DUCTOR_BOT");
    command
}

#[test]
fn every_error_has_one_shape() {
    let world = World::new("");
    let mut session = Session::new(&world);
    for words in [
        "statsu",
        "service statsu",
        "service install --no-lingr",
        "service render --manager upstart",
        "completions",
        "service install --bot /no/such/bot",
        "run",
        "onboarding",
        "bot path",
        "bot install --version ../0.20.1",
        "bot exec -- --version",
        "agents list",
        "docker status",
        "api status",
        "install api",
        "upgrade",
        "place /no/such/folder --from https://example.org",
        "stop now",
    ] {
        session.run(words, |words| Said::of(&mut alone(&world, words)));
    }
    for error in session.seen.split("$ ").filter(|seen| !seen.is_empty()) {
        assert!(error.contains("\nerror: "), "{error}");
    }
    session.check("errors");
}

#[test]
fn the_bot() {
    let world = World::new("echo \"the bot's own $*\"");
    // A tool that makes what a bot of this version needs.
    let uv = "#!/bin/sh\nfor new; do :; done\ncase \"$*\" in *' venv '*) mkdir -p \"$new/bin\"\n
        printf '#!/bin/sh\\necho ductor 0.20.1\\n' >\"$new/bin/python\"\nchmod +x \"$new/bin/python\";; esac\n";
    let mut session = Session::new(&world);
    let ductor = |words: &[&str]| {
        let mut command = alone(&world, words);
        command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
        Said::of(command.env("DUCTOR_BOT", world.path("bot")))
    };
    fs::create_dir_all(world.path("bin")).unwrap();
    fakes::put_script(&world.path("bin/uv"), uv).unwrap();
    for words in ["bot path", "bot exec -- --version", "agents list", "docker status", "api status"] {
        session.run(words, ductor);
    }
    for words in ["bot install", "bot install --version 0.20.1", "install api"] {
        session.run(words, ductor);
    }
    session.check("bot");
}

#[test]
fn a_host_in_the_foreground() {
    let linux = Linux::new();
    let host = linux.world.start(linux.command(&["run"]).env("DUCTOR_BOT", linux.world.path("bot")));
    linux.world.wait_for_bots(1);
    let mut session = Session::new(&linux.world);
    for words in ["status", "service status", "service start", "run", "restart", "stop", "status"] {
        session.run(words, |words| linux.ductor(words));
    }
    let (status, err) = host.end();
    session.see("ductor run", &Said { code: status.code(), out: String::new(), err });
    session.check("foreground");
}

/// The program as the installer places it, with its service, to its end.
#[test]
fn the_program() {
    let linux = Linux::new();
    release::placed(&linux);
    let bin = linux.world.path(".local/bin");
    let path = format!("{}:{}:/usr/bin:/bin", bin.display(), linux.world.path("bin").display());
    let mut session = Session::new(&linux.world);
    for words in [
        "upgrade --check",
        "upgrade --dry-run",
        "upgrade --version 1.2.3",
        "upgrade",
        "upgrade",
        "uninstall --purge",
        "uninstall --dry-run",
        "uninstall",
    ] {
        session.run(words, |words| Said::of(release::installed(&linux, words).env("PATH", &path)));
    }
    session.check("program");
}

#[test]
fn onboarding() {
    let linux = Linux::new();
    linux.world.python(&bot_with_wizard());
    let mut session = Session::new(&linux.world);
    let mut type_in = |words: &str, answers: &[(&str, &str)]| {
        let mut command = linux.command(&words.split(' ').collect::<Vec<_>>());
        let (code, out) = typed(command.env("TERM", "dumb"), answers);
        session.see(&format!("ductor {words}"), &Said { code, out, err: String::new() });
    };
    let token = format!("{TOKEN}\n");
    type_in("onboarding", &[("Paste your bot token: ", &token), (SERVICE, "n\n")]);
    type_in("onboarding --yes", &[]);
    session.check("onboarding");
}
