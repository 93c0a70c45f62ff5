//! The picture in the README shows what a session shows today.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use fakes::without_numbers;
use xtask::picture;
use xtask::test::in_lab::PACKAGE;
use xtask::workspace::Workspace;

crate::tests![the_picture_in_the_readme_is_current];

fn the_picture_in_the_readme_is_current() -> Result<()> {
    let root = Workspace::find()?.root;
    let there = fs::read_to_string(root.join(picture::FILE))?;
    let package = PathBuf::from(std::env::var_os(PACKAGE).context(PACKAGE)?);
    let now = picture::svg(&picture::record(&package)?);
    assert_eq!(without_numbers(&there), without_numbers(&now), "to make it anew: cargo xtask picture");
    let readme = fs::read_to_string(root.join("README.md"))?;
    assert!(readme.contains(picture::FILE), "the README does not show it");
    Ok(())
}
