//! Getting the bot: from the Python package index by each tool, and what is left when that fails.

use std::fs;

use anyhow::{Context, Result};
use xtask::lab::Output;
use xtask::lab::image::{BOOKWORM, BOT, BOT_RELEASE, BOT_TRIXIE, TRIXIE};

use crate::world::{CERTIFICATES, World, has_problem};

crate::tests![
    python_alone_gets_it_and_the_service_runs_it,
    uv_gets_it,
    pipx_gets_it,
    a_download_that_breaks_leaves_nothing,
    path_explains_itself,
    a_python_ductor_first_on_path_is_noticed,
];

fn python_alone_gets_it_and_the_service_runs_it() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::online(image)?;
        let _alice = world.login("alice")?;
        gets_it(&world, "", "python -m venv")?;
        world.configure("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        let status = world.status("alice")?;
        let command =
            world.run("alice", &["ps", "-o", "args=", "-p", &status["bot_pid"].to_string()])?.ok()?;
        assert!(command.starts_with("/home/alice/.local/share/ductor/bot/"), "{command}");
        // Here or not, the bot is the service's own: `uninstall` takes away what was made for the service.
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        world.ductor("alice", &["bot", "path"])?.ended(0)?;
    }
    Ok(())
}

fn uv_gets_it() -> Result<()> {
    let world = World::online(&BOOKWORM)?;
    make_tool(&world, "uv")?;
    gets_it(&world, "uv", "uv")
}

fn pipx_gets_it() -> Result<()> {
    let world = World::online(&BOOKWORM)?;
    make_tool(&world, "pipx")?;
    gets_it(&world, "pipx", "pipx")
}

/// Puts a tool of the index to where its users have it.
fn make_tool(world: &World, name: &str) -> Result<()> {
    let make = format!(
        "python3 -m venv /opt/tools && /opt/tools/bin/pip install -q {name} && \
         ln -s /opt/tools/bin/{name} /usr/local/bin/"
    );
    world.sh("root", &make)?.ok().map(drop)
}

fn gets_it(world: &World, tool: &str, by: &str) -> Result<()> {
    let version = BOT_RELEASE.split("==").nth(1).context("a release has a version")?;
    let install = || {
        let certificates = format!("SSL_CERT_FILE={CERTIFICATES}");
        let words = ["env", &certificates, "/usr/bin/ductor", "bot", "install", "--version", version];
        world.run("alice", &words)
    };
    let installed = install()?.ended(0)?;
    assert_eq!(installed.stdout.trim_end(), format!("ductor {version} installed by {by}"), "{installed}");
    assert!(installed.stderr.contains("downloading ductor"), "progress: {installed}");
    assert!(installed.stderr.lines().count() > usize::from(tool != "pipx"), "{installed}");

    let outside = "cd; find . \\( -path ./.local/share/ductor -o -path ./.cache \\) -prune -o -newer \
                   /usr/bin/ductor -type f -print; command -v ductor; ls /usr/local/bin";
    let outside = world.run("alice", &["bash", "-c", outside])?;
    let lines: Vec<&str> = outside.stdout.split_whitespace().collect();
    let expected = ["/usr/bin/ductor", tool];
    assert_eq!(lines, expected[..1 + usize::from(!tool.is_empty())], "{outside}");
    let path = world.ductor("alice", &["bot", "path"])?.ended(0)?;
    assert!(path.stdout.starts_with("/home/alice/.local/share/ductor/bot/"), "{path}");
    let agents = world.ductor("alice", &["agents"])?.ended(0)?;
    assert!(agents.stdout.contains("No sub-agents configured"), "{agents}");

    let again = install()?.ended(0)?;
    assert_eq!(again.stdout.trim_end(), format!("ductor {version} was there already"), "{again}");
    let numbers = world.sh("alice", "ls ~/.local/share/ductor/bot")?.ok()?;
    assert_eq!(numbers.lines().collect::<Vec<_>>(), ["1", "current"]);
    Ok(())
}

fn a_download_that_breaks_leaves_nothing() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    // What came of it is half a wheel.
    fs::create_dir(world.path("/srv/wheels"))?;
    fs::write(world.path("/srv/wheels/ductor-99.0-py3-none-any.whl"), &b"PK\x03\x04 and no more"[..])?;
    let half = ["PIP_NO_INDEX=1", "PIP_FIND_LINKS=/srv/wheels"];
    let offline = ["PIP_RETRIES=0", "PIP_TIMEOUT=2"];
    let install = |settings: [&str; 2]| -> Result<Output> {
        let words = [&["env"], &settings[..], &["/usr/bin/ductor", "bot", "install"]].concat();
        world.run("alice", &words)
    };
    let files = "find ~ -path ~/.cache -prune -o -type f -print; command -v ductor";
    let before = world.sh("alice", files)?.stdout;
    let failed = install(offline)?.ended(1)?;
    assert!(failed.stderr.contains("error: ") && failed.stderr.contains("pip install"), "{failed}");
    assert_eq!(world.sh("alice", files)?.stdout, before, "{failed}");
    world.ductor("alice", &["bot", "path"])?.ended(78)?;
    // With one there already, it stays the bot.
    let make = "mkdir -p ~/.local/share/ductor/bot/3/bin && cd ~/.local/share/ductor/bot && echo 3 >current && \
                printf '#!/bin/sh\necho ductor 0.1\n' >3/bin/python && chmod +x 3/bin/python";
    world.sh("alice", make)?.ok()?;
    let before = world.sh("alice", files)?.stdout;
    install(half)?.ended(1)?;
    assert_eq!(world.sh("alice", files)?.stdout, before);
    // Without a python that could, it is said how to get one.
    world.run("root", &["rm", "-rf", "/usr/lib/python3.11/ensurepip"])?.ok()?;
    let refused = install(half)?.ended(1)?;
    assert!(refused.stderr.contains("sudo apt install python3-venv"), "{refused}");
    Ok(())
}

fn path_explains_itself() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let path = world.ductor("alice", &["bot", "path"])?.ended(0)?;
        assert!(
            path.stdout.contains("/pipx/venvs/ductor/") && path.stdout.contains("-m ductor_bot"),
            "{path}"
        );
        let lines: Vec<&str> = path.stderr.lines().collect();
        let line = |word: &str| lines.iter().find(|line| line.contains(word)).context(path.to_string());
        assert!(line("/home/alice/.local/bin/ductor:")?.starts_with("->"), "{path}");
        assert!(line("/usr/bin/ductor:")?.contains("this program itself"), "{path}");
        assert!(line("`ductor bot install` has made none")?.starts_with("  "), "{path}");
        let chosen = ["env", "DUCTOR_BOT=sleep 9", "/usr/bin/ductor", "bot", "path"];
        let chosen = world.run("alice", &chosen)?.ended(0)?;
        assert_eq!(chosen.stdout, "/usr/bin/sleep 9\n");
        assert!(chosen.stderr.starts_with("-> DUCTOR_BOT:"), "{chosen}");
    }
    Ok(())
}

fn a_python_ductor_first_on_path_is_noticed() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        world.configure("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        let with_path = |path: &str| -> Result<serde_json::Value> {
            let words = ["env", &format!("PATH={path}"), "/usr/bin/ductor", "service", "status", "--json"];
            Ok(serde_json::from_str(&world.run("alice", &words)?.ended(0)?.stdout)?)
        };
        let shadowed = with_path("/home/alice/.local/bin:/usr/bin:/bin")?;
        let problem =
            shadowed["problems"].as_array().and_then(|all| all.iter().find(|p| p["id"] == "shadowed"));
        let message = problem.context("it is noticed")?["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("/home/alice/.local/bin/ductor") && message.contains("/usr/bin/ductor"),
            "{message}"
        );
        assert!(!has_problem(&with_path("/usr/bin:/home/alice/.local/bin:/bin")?, "shadowed"));
    }
    Ok(())
}
