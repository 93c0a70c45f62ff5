//! The manuals, typed from top to bottom by a person who has the real bot: each `sh` block ends with 0, and what the page
//! says is so.

use std::fs;

use anyhow::{Context, Result, ensure};
use xtask::docs::Page;
use xtask::lab::Image;
use xtask::lab::image::{BOT, BOT_FOLDER, BOT_TRIXIE};
use xtask::workspace::Workspace;

use crate::world::World;

crate::tests![
    every_block_of_using_does_what_it_is_for,
    migrating_leads_there_and_back_on_systemd_252,
    migrating_leads_there_and_back_on_systemd_257,
];

const UNIT: &str = "/home/alice/.config/systemd/user/ductor.service";

fn blocks(page: &str) -> Result<Vec<String>> {
    Ok(Page::read(&Workspace::find()?.root, page)?.blocks("sh"))
}

/// Types one block as alice; what it said.
fn typed(world: &World, block: &str) -> Result<String> {
    let said = world.run("alice", &["sh", "-ec", block])?;
    ensure!(said.code == 0, "{block}\n{said}");
    Ok(said.stdout + &said.stderr)
}

fn every_block_of_using_does_what_it_is_for() -> Result<()> {
    let world = World::with_package(&BOT)?;
    let _alice = world.login("alice")?;
    world.give("alice", ".local/bin/claude", "#!/bin/sh\n", 0o755)?; // without an agent the doctor is not content
    world.configure("alice")?;
    let blocks = blocks("docs/using.md")?;
    ensure!(blocks.len() > 10, "the blocks are found");
    // In one shell, as in a person's terminal: the first block is for all others.
    typed(&world, &format!("set -x\n{}", blocks.join("\n")))?;
    let status = world.status("alice")?;
    assert_eq!((&status["state"], &status["owner"]), (&"running".into(), &"service".into()), "{status:#}");
    let environment = world.run("root", &["cat", &format!("/proc/{}/environ", status["bot_pid"])])?.ok()?;
    assert!(environment.contains("HTTPS_PROXY=http://127.0.0.1:3128"), "{environment}");
    Ok(())
}

fn migrating_leads_there_and_back_on_systemd_252() -> Result<()> {
    migrating_leads_there_and_back(&BOT)
}

fn migrating_leads_there_and_back_on_systemd_257() -> Result<()> {
    migrating_leads_there_and_back(&BOT_TRIXIE)
}

/// From the service of the real Python ductor to ours, back to it, and to ours again.
fn migrating_leads_there_and_back(image: &Image) -> Result<()> {
    let blocks = blocks("docs/migrating.md")?;
    let [there, back] = &blocks[..] else { anyhow::bail!("two blocks: {blocks:?}") };
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    let config = world.read("alice", ".ductor/config/config.json");
    let last = back.lines().last().context("a command")?;
    typed(&world, last)?;
    is_pythons(&world)?;

    for _ in 0..2 {
        let said = typed(&world, there)?;
        assert!(said.contains("took over the unit of the Python ductor"), "{said}");
        let status = world.status("alice")?;
        assert_eq!(
            (&status["state"], &status["owner"]),
            (&"running".into(), &"service".into()),
            "{status:#}"
        );
        assert_eq!(status["packaged"], true, "{status:#}");
        is_the_only(&world, &status["bot_pid"].to_string())?;

        typed(&world, back)?;
        is_pythons(&world)?;
    }
    let token =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).map(|it| it["telegram_token"].clone());
    assert_eq!(token(&world.read("alice", ".ductor/config/config.json"))?, token(&config)?);
    Ok(())
}

/// The unit is the Python ductor's, systemd runs the bot by it, and nobody else does.
fn is_pythons(world: &World) -> Result<()> {
    let unit = fs::read_to_string(world.path(UNIT))?;
    assert!(
        unit.contains("Telegram bot powered by AI CLIs")
            && unit.contains("ExecStart=/home/alice/.local/bin/"),
        "{unit}"
    );
    let main = world
        .sh("alice", "systemctl --user is-active -q ductor && systemctl --user show -P MainPID ductor")?;
    is_the_only(world, &main.ok()?)?;
    world.run("root", &["pgrep", "-u", "alice", "-f", "^/usr/bin/ductor"])?.ended(1)?; // no host of ours
    Ok(())
}

/// This is the one real bot of alice.
fn is_the_only(world: &World, pid: &str) -> Result<()> {
    world.only_real_bot(&format!("^{BOT_FOLDER}/bin/python"), pid)
}
