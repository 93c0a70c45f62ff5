//! What stands in for PowerShell, of which none is to be had on our machines: it does what the words `fetch` and `unpack` ask
//! of `install.ps1`, by what the script says, and runs nothing of it. The release is the folder `release` of the
//! state, whatever its URL.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use zip::ZipArchive;

use crate::state::State;

/// Is `powershell.exe`.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return 1 };
    let words =
        args.iter().skip_while(|word| *word != "-File").skip(2).map(String::as_str).collect::<Vec<_>>();
    let done = match words[..] {
        ["fetch", _url, _version, folder, ref files @ ..] => fetch(&state, Path::new(folder), files),
        ["unpack", archive, folder] => unpack(archive, folder),
        _ => return 1,
    };
    u8::from(done.is_err())
}

fn fetch(state: &State, folder: &Path, files: &[&str]) -> io::Result<()> {
    files.iter().try_for_each(|file| fs::copy(state.path("release").join(file), folder.join(file)).map(drop))
}

fn unpack(archive: &str, folder: &str) -> io::Result<()> {
    Ok(ZipArchive::new(File::open(archive)?)?.extract(folder)?)
}
