//! Small programs that stand for ours where bundles are tested.

#![allow(dead_code, reason = "each test program takes what it needs")]

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use xtask::target::{Arch, Os, TARGETS, Target};

/// For each program of a target a small one of its kind.
pub fn small(target: &'static Target) -> Vec<Vec<u8>> {
    match target.os {
        Os::Linux => vec![fs::read("/bin/true").unwrap()],
        Os::Windows => vec![b"MZ, a program".to_vec(), b"MZ, a program without a window".to_vec()],
        Os::Macos if target.joins.is_empty() => vec![mach_o(target.arch)],
        Os::Macos => {
            let parts: Vec<_> = target.parts().into_iter().map(|part| mach_o(part.arch)).collect();
            vec![xtask::macho::join(&parts).unwrap()]
        }
    }
}

/// A Mach-O file that runs from macOS 11.0 on, does nothing, and is signed ad hoc as zig's linker signs: written by
/// hand from `mach-o/loader.h` and `kern/cs_blobs.h`.
pub fn mach_o(arch: &Arch) -> Vec<u8> {
    const CODE: usize = 0x3000;
    let (cpu, subtype) = if arch.name == "x86_64" { (0x0100_0007, 3) } else { (0x0100_000c, 0) };
    let pages: usize = CODE.div_ceil(0x1000);
    let directory = 44 + "ductor\0".len() + 32 * pages;
    let signature = 20 + directory;
    let loads: [u32; 6 + 4] =
        [0x32, 24, 1, 11 << 16, 15 << 16, 0, 0x1d, 16, CODE as u32, signature.next_multiple_of(16) as u32];
    let head: [u32; 8] = [0xfeed_facf, cpu, subtype, 2, 2, 40, 0x85, 0];
    let mut file: Vec<u8> = head.into_iter().chain(loads).flat_map(u32::to_le_bytes).collect();
    file.resize(CODE, 0);
    let hashes: Vec<u8> = file.chunks(0x1000).flat_map(Sha256::digest).collect();
    let (directory, name) = (directory as u32, 44);
    let blob = [0xfade_0cc0, signature as u32, 1, 0, 20];
    let code = [0xfade_0c02, directory, 0x20001, 2, name + 7, name, 0, pages as u32, CODE as u32];
    file.extend(blob.into_iter().chain(code).flat_map(u32::to_be_bytes));
    file.extend([32, 2, 0, 12, 0, 0, 0, 0]); // SHA-256, pages of 4 KiB
    file.extend(b"ductor\0");
    file.extend(hashes);
    file.resize(file.len().next_multiple_of(16), 0);
    file
}

/// A target folder in which small programs are compiled, for every target.
pub fn compiled(folder: &Path) {
    for target in TARGETS.iter().filter(|target| target.joins.is_empty()) {
        let folder = folder.join(target.triple).join("release");
        fs::create_dir_all(&folder).unwrap();
        for (name, program) in target.os.programs().iter().zip(small(target)) {
            fs::write(folder.join(name), program).unwrap();
        }
    }
}
