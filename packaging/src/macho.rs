//! *Mach-O*, the programs of macOS: two of them [`join`]ed to a universal one, and what is [`check`]ed of each.
//!
//! Apple's processors start nothing that is not signed. zig's linker signs for them *ad hoc*: the signature names
//! nobody and holds the hash of every page, which is all that they ask for. x86_64 asks for none and gets none.
//! Who has a Developer ID signs again, see `docs/`.

use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::macho::{CPU_TYPE_ARM64, LC_CODE_SIGNATURE, LinkeditDataCommand, MachHeader64};
use object::read::macho::{FatArch, MachHeader, MachOFatFile32};
use sha2::{Digest, Sha256};

use crate::target::MACOS;

/// Programs start at multiples of this power of two: the pages of Apple's processors.
const PAGE: u32 = 14;

/// Joins programs for several processors to one file (`mach-o/fat.h`): big-endian headers, then the programs as
/// they are, their signatures with them.
///
/// # Errors
/// One is no Mach-O program, or they are larger than the headers can say.
pub fn join(programs: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut headers = vec![0xcafe_babe, u32::try_from(programs.len())?];
    let mut body = Vec::new();
    let start = 1 << PAGE;
    for program in programs {
        let header = MachHeader64::<Endianness>::parse(program.as_slice(), 0).context("no Mach-O program")?;
        let endian = header.endian()?;
        body.resize(body.len().next_multiple_of(start), 0);
        let (offset, size) = (u32::try_from(start + body.len())?, u32::try_from(program.len())?);
        headers.extend([header.cputype(endian).0, header.cpusubtype(endian).0, offset, size, PAGE]);
        body.extend(program);
    }
    let mut file: Vec<u8> = headers.into_iter().flat_map(u32::to_be_bytes).collect();
    file.resize(start, 0);
    file.extend(body);
    Ok(file)
}

/// Checks a program, or each of a universal one: it runs from [`MACOS`] on, and is signed where it has to be.
///
/// # Errors
/// What is wrong.
pub fn check(file: &[u8]) -> Result<()> {
    match MachOFatFile32::parse(file) {
        Ok(fat) => fat.arches().iter().try_for_each(|arch| check_one(arch.data(file)?)),
        Err(_) => check_one(file),
    }
}

fn check_one(program: &[u8]) -> Result<()> {
    let header = MachHeader64::<Endianness>::parse(program, 0).context("no Mach-O program")?;
    let endian = header.endian()?;
    let (mut from, mut signed) = (None, false);
    let mut commands = header.load_commands(endian, program, 0)?;
    while let Some(command) = commands.next()? {
        if let Some((version, _)) = command.build_version(endian)? {
            let version = version.minos.get(endian);
            from = Some(format!("{}.{}", version.0 >> 16, version.0 >> 8 & 0xff));
        }
        if command.cmd() == LC_CODE_SIGNATURE {
            let place: &LinkeditDataCommand<Endianness> = command.data()?;
            check_signature(program, place.dataoff.get(endian) as usize).context("the signature")?;
            signed = true;
        }
    }
    let from = from.unwrap_or_default();
    ensure!(from == MACOS, "it runs from macOS {from:?} on, not from {MACOS}");
    ensure!(
        signed || header.cputype(endian) != CPU_TYPE_ARM64,
        "not signed: Apple's processors won't start it"
    );
    Ok(())
}

/// The libraries that a program needs, by their places on a Mac.
///
/// # Errors
/// It is no Mach-O program.
pub fn libraries(program: &[u8]) -> Result<Vec<String>> {
    let header = MachHeader64::<Endianness>::parse(program, 0).context("no Mach-O program")?;
    let endian = header.endian()?;
    let mut commands = header.load_commands(endian, program, 0)?;
    let mut libraries = Vec::new();
    while let Some(command) = commands.next()? {
        if let Some(library) = command.dylib()? {
            let name = command.string(endian, library.dylib.name).ok().context("a library has no name")?;
            libraries.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(libraries)
}

/// Whether the first code directory of a signature holds the hash of every page before it (`CS_CodeDirectory` in
/// xnu's `osfmk/kern/cs_blobs.h`).
fn check_signature(program: &[u8], at: usize) -> Result<()> {
    let word = |at: usize| -> Result<usize> {
        let bytes = program.get(at..at + 4).context("it is cut off")?;
        Ok(u32::from_be_bytes(bytes.try_into()?) as usize)
    };
    ensure!(word(at)? == 0xfade_0cc0, "it is no superblob");
    let directory = at + word(at + 16)?;
    ensure!(word(directory)? == 0xfade_0c02, "it does not begin with a code directory");
    let (hashes, pages, end) =
        (directory + word(directory + 16)?, word(directory + 28)?, word(directory + 32)?);
    let kind = program.get(directory + 36..directory + 40).context("it is cut off")?;
    ensure!(kind[..2] == [32, 2], "it is not of SHA-256");
    let page = 1_usize.checked_shl(kind[3].into()).context("its pages have no size")?;
    ensure!(end == at && pages == end.div_ceil(page), "it is not over the whole program");
    for (number, content) in program[..end].chunks(page).enumerate() {
        let hash = program.get(hashes + 32 * number..hashes + 32 * (number + 1));
        ensure!(hash == Some(&Sha256::digest(content)[..]), "page {number} has another hash");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that begins as those of a processor do.
    fn thin(cpu: u32, size: usize) -> Vec<u8> {
        let words = [0xfeed_facf, cpu, 3, 2, 0, 0, 0, 0];
        let mut program: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        program.resize(size, 7);
        program
    }

    #[test]
    fn joined_programs_are_found_again_each_at_a_page() {
        let (x86_64, arm64) = (thin(0x0100_0007, 20_000), thin(0x0100_000c, 40));
        let joined = join(&[x86_64.clone(), arm64.clone()]).unwrap();
        let fat = MachOFatFile32::parse(joined.as_slice()).unwrap();
        let found: Vec<_> = fat.arches().iter().map(|arch| arch.data(joined.as_slice()).unwrap()).collect();
        assert_eq!(found, [x86_64, arm64]);
        assert!(fat.arches().iter().all(|arch| u64::from(arch.offset()) % 0x4000 == 0));
        assert!(join(&[b"text".to_vec()]).is_err());
    }

    #[test]
    fn a_program_that_says_nothing_of_itself_does_not_pass() {
        let error = check(&thin(0x0100_000c, 40)).unwrap_err().to_string();
        assert!(error.contains("runs from macOS"), "{error}");
    }
}
