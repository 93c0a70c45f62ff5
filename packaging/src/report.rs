//! What is printed when the work is done: tables on stdout, errors on stderr. Nothing else prints there.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::toolchain::Missing;

/// A bundle that could be made, or what is missing for it.
#[derive(Debug, Serialize)]
pub struct Offer {
    /// The name of the bundle.
    pub name: String,
    /// The name of its file.
    pub file: String,
    /// What this machine lacks for it; null when nothing.
    pub missing: Option<Missing>,
}

/// A bundle that was made.
#[derive(Debug)]
pub struct Made {
    /// The name of the bundle.
    pub name: String,
    /// The name of its file.
    pub file: String,
    /// The size of the file in bytes.
    pub size: usize,
    /// The hash of the file.
    pub sha256: String,
    /// How long packing took.
    pub time: Duration,
}

/// One JSON array.
///
/// # Errors
/// Never: an offer is plain data.
pub fn json(offers: &[Offer]) -> Result<()> {
    out(&serde_json::to_string_pretty(offers)?);
    Ok(())
}

/// A line an offer.
pub fn offers(offers: &[Offer]) {
    let state = |offer: &Offer| match &offer.missing {
        None => "yes".to_owned(),
        Some(missing) => format!("missing: {}; get it: {}", missing.what, missing.get),
    };
    let rows: Vec<_> =
        offers.iter().map(|offer| [offer.name.clone(), at_the_top(&offer.file), state(offer)]).collect();
    table(&rows, [false; 3]);
}

/// Files as a listing of their folder shows them: `aur/` for all that is in it.
fn at_the_top(files: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    for file in files.split(' ') {
        let name = file.split_once('/').map_or_else(|| file.to_owned(), |(folder, _)| format!("{folder}/"));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

/// What was made, and where.
pub fn made(made: &[Made], folder: &Path) {
    let row = |made: &Made| {
        let time = format!("{:.1} s", made.time.as_secs_f64());
        [made.name.clone(), folder.join(&made.file).display().to_string(), size(made.size), time]
    };
    table(&made.iter().map(row).collect::<Vec<_>>(), [false, false, true, true]);
}

/// The files that did not have to be made again.
pub fn unchanged(files: &[String], folder: &Path) {
    let row = |file: &String| [folder.join(file).display().to_string(), "unchanged".into()];
    table(&files.iter().map(row).collect::<Vec<_>>(), [false, false]);
}

/// The files that are what they should be.
pub fn verified(files: &[String]) {
    table(&files.iter().map(|file| [file.clone(), "verified".into()]).collect::<Vec<_>>(), [false, false]);
}

/// An error, as `ductor` prints its own.
#[allow(clippy::print_stderr, reason = "errors are talk, and talk goes to stderr")]
pub fn error(text: &str) {
    eprintln!("error: {text}");
}

/// A number of bytes, for people.
pub fn size(bytes: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.0} KiB") } else { format!("{:.2} MiB", kib / 1024.0) }
}

/// Rows whose columns are as wide as their widest cell, numbers to the right.
pub fn table<const N: usize>(rows: &[[String; N]], right: [bool; N]) {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths).zip(right).map(|((cell, width), right)| {
            if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        out(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A line of what was asked for.
#[allow(clippy::print_stdout, reason = "what was asked for goes to stdout")]
pub fn out(line: &str) {
    println!("{line}");
}
