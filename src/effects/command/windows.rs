//! Programs that are asked something on Windows.

use std::collections::HashSet;
use std::io::{self, Read};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Instant;

use windows_sys::Win32::Globalization::{CP_OEMCP, MultiByteToWideChar};
use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

use super::{HEARD, Output};
use crate::process::{Process, Signal};

/// What has PowerShell find the programs of the system.
pub const PATH_OF_SYSTEM: &str = r#"$env:Path += ";$env:SystemRoot\System32""#;

/// What the program says until it has closed its output and ended; none when that is not before the deadline.
pub fn hear(mut child: Child, deadline: Instant) -> io::Result<Option<Output>> {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let stderr = child.stderr.take().map(|pipe| std::thread::spawn(|| heard(pipe)));
        let stdout = child.stdout.take().map(heard).unwrap_or_default();
        let stderr = stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
        sender.send(child.wait().map(|status| Output { status: Some(status), stdout, stderr }))
    });
    ended.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok().transpose()
}

/// What comes out of a pipe until its end. What is more than anybody has to say is heard and forgotten.
fn heard(mut pipe: impl Read) -> Vec<u8> {
    let mut said = Vec::new();
    let _all_that_came = pipe.by_ref().take(HEARD as u64).read_to_end(&mut said);
    let _unheard = io::copy(&mut pipe, &mut io::sink());
    said
}

/// Without a console window, which `ductorw` would otherwise cause to flash up.
pub fn own_group(process: &mut Command) {
    process.creation_flags(CREATE_NO_WINDOW);
}

/// The program and its children, which the table of processes still shows as long as it lives.
pub fn kill_group(pid: u32) {
    let Some(process) = Process::of(pid) else { return };
    for it in process.descendants(&HashSet::new()).iter().chain([&process]) {
        let _gone = it.signal(Signal::Kill);
    }
}

/// Text in the code page of the console, which depends on the language of Windows.
#[allow(unsafe_code, reason = "MultiByteToWideChar is in no safe crate")]
pub fn of_console(bytes: &[u8]) -> String {
    let count = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    let mut wide = vec![0; bytes.len()]; // no code page has characters that are more units than bytes
    // SAFETY: both buffers are as long as is said, and live until it returns.
    let length = unsafe { MultiByteToWideChar(CP_OEMCP, 0, bytes.as_ptr(), count, wide.as_mut_ptr(), count) };
    wide.truncate(usize::try_from(length).unwrap_or(0));
    String::from_utf16_lossy(&wide)
}
