//! The program says what it is made of, to a reader that is not ours: the one of cargo-auditable.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use auditable_info::audit_info_from_slice;
use serde_json::Value;
use xtask::test::in_lab::PACKAGE;

crate::tests![the_program_in_the_package_says_what_the_bill_of_materials_says];

fn the_program_in_the_package_says_what_the_bill_of_materials_says() -> Result<()> {
    let package = PathBuf::from(std::env::var(PACKAGE)?);
    let root = tempfile::tempdir()?;
    let unpacked = Command::new("dpkg-deb").arg("-x").arg(&package).arg(root.path()).status()?;
    ensure!(unpacked.success(), "dpkg-deb: {unpacked}");
    let program = fs::read(root.path().join("usr/bin/ductor"))?;
    let made_of = audit_info_from_slice(&program, 1 << 20)?;
    let named: BTreeSet<(String, String)> =
        made_of.packages.iter().map(|it| (it.name.clone(), it.version.to_string())).collect();

    let version = env!("CARGO_PKG_VERSION");
    let bill = package.with_file_name(format!("ductor-{version}.cdx.json"));
    let bill: Value = serde_json::from_slice(&fs::read(bill)?)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let components = bill["components"].as_array().context("no components")?.iter();
    let billed = components.chain([&bill["metadata"]["component"]]);
    let billed: BTreeSet<(String, String)> =
        billed.map(|it| Ok((text(&it["name"])?, text(&it["version"])?))).collect::<Result<_>>()?;
    // The bill is over the programs of every system.
    let unbilled: Vec<_> = named.difference(&billed).collect();
    ensure!(unbilled.is_empty(), "not on the bill: {unbilled:?}");
    ensure!(named.len() > billed.len() / 2, "{} of {} on the bill", named.len(), billed.len());
    ensure!(made_of.packages.iter().any(|it| it.root && it.name == "ductor"), "what is the root?");
    Ok(())
}
