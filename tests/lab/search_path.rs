//! PATH as the bot really gets it from the host of a service: agents are found where version managers put them,
//! also when they were put there after the service was installed.

use anyhow::{Result, ensure};
use xtask::lab::image::{BOOKWORM, TRIXIE};
use xtask::lab::wait_for;

use crate::world::{PATIENCE, World};

crate::tests![
    the_chosen_node_comes_first_and_the_others_by_their_number,
    what_moved_is_found_at_the_next_start
];

/// The bot says where it finds an agent, and where it looks.
const SAY: &str = "command -v claude >~/found; printf '%s\\n' \"$PATH\" >~/path; mv ~/found ~/claude";

/// A service on a machine, and a bot that says what it finds.
fn boot(image: &xtask::lab::Image) -> Result<World> {
    let world = World::with_service(image)?;
    world.begin_with("alice", SAY)?;
    Ok(world)
}

/// Where the next bot finds its agent. It is the same host that starts it, as no new definition is needed.
fn next(world: &World) -> Result<String> {
    let starts = world.count("alice", "start")?;
    world.sh("root", "rm -f /home/alice/claude")?.ok()?;
    world.end_bot("alice", 42)?;
    world.started("alice", starts + 1)?;
    wait_for("what the bot found", PATIENCE, || {
        ensure!(world.path("/home/alice/claude").exists(), "nothing yet");
        Ok(Some(world.read("alice", "claude").trim().replace("/home/alice/", "~/")))
    })
}

/// Gives alice an agent at this place, beside the `node` that runs it.
fn put(world: &World, folder: &str) -> Result<()> {
    for program in ["node", "claude"] {
        world.give("alice", &format!("{folder}/{program}"), "#!/bin/sh\necho 1.2.3\n", 0o755)?;
    }
    Ok(())
}

fn the_chosen_node_comes_first_and_the_others_by_their_number() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = boot(image)?;
        let bin = |version: &str| format!(".nvm/versions/node/{version}/bin");
        for version in ["v9.11.2", "v10.24.1", "v22.12.0"] {
            put(&world, &bin(version))?;
        }
        let looked = || -> Vec<String> {
            let path = world.read("alice", "path");
            let folders =
                path.trim().split(':').filter_map(|folder| folder.strip_prefix("/home/alice/.nvm/"));
            folders.map(|folder| folder.replace("versions/node/", "").replace("/bin", "")).collect()
        };
        world.give("alice", ".nvm/alias/default", "22\n", 0o644)?;
        assert_eq!(next(&world)?, "~/.nvm/versions/node/v22.12.0/bin/claude");
        assert_eq!(looked(), ["v22.12.0", "v10.24.1", "v9.11.2"], "as numbers, not as text");
        world.give("alice", ".nvm/alias/default", "v9\n", 0o644)?;
        assert_eq!(next(&world)?, "~/.nvm/versions/node/v9.11.2/bin/claude");
        assert_eq!(looked(), ["v9.11.2", "v22.12.0", "v10.24.1"]);
        // The doctor sees it as the host does.
        let doctor = world.ductor("alice", &["service", "doctor"])?;
        assert!(doctor.stdout.contains("the service finds claude"), "{doctor}");
    }
    Ok(())
}

fn what_moved_is_found_at_the_next_start() -> Result<()> {
    let world = boot(&BOOKWORM)?;
    let before = world.status("alice")?;
    assert_eq!(next(&world)?, "", "there is none yet");
    // From one manager to the other, and from one version to the next.
    for folder in [
        ".nvm/versions/node/v20.18.1/bin",
        ".nvm/versions/node/v24.0.0/bin",
        ".local/share/fnm/node-versions/v24.0.0/installation/bin",
        ".volta/bin",
        ".local/share/mise/shims",
        ".asdf/shims",
        ".npm-global/bin",
        ".bun/bin",
        ".local/share/pnpm",
        ".local/bin",
    ] {
        world.sh("root", "cd /home/alice; rm -rf .nvm .local .volta .asdf .npm-global .bun")?.ok()?;
        put(&world, folder)?;
        assert_eq!(next(&world)?, format!("~/{folder}/claude"));
    }
    let after = world.status("alice")?;
    assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &0.into()), "{after:#}");
    Ok(())
}
