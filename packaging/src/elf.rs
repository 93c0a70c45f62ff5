//! What an ELF program needs from the machine that runs it, read from the program itself.

use anyhow::{Context, Result, bail};
use object::elf::{DT_NEEDED, VER_FLG_WEAK};
use object::read::elf::{Dyn, ElfFile64, FileHeader};
use object::{Endianness, elf::FileHeader64};

/// The shared libraries that the dynamic loader must find. A static program has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Their names: `libc.so.6`.
    pub libraries: Vec<String>,
    /// The glibc below which the program does not start: (2, 34).
    pub glibc: Option<(u32, u32)>,
}

/// Reads the needs of a 64-bit program.
///
/// # Errors
/// It is no ELF file, or needs a version of glibc that is no number.
pub fn needs(program: &[u8]) -> Result<Needs> {
    let elf = ElfFile64::<Endianness>::parse(program).context("the program is no 64-bit ELF file")?;
    let endian = elf.endian();
    let sections = elf.elf_section_table();
    let mut needs = Needs::default();
    if let Some((dynamic, link)) = sections.dynamic(endian, program)? {
        let strings = sections.strings(endian, program, link)?;
        for entry in dynamic.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
            let name = strings.get(entry.val32(endian).context("DT_NEEDED out of range")?);
            let name = name.ok().context("DT_NEEDED names nothing")?;
            needs.libraries.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    needs.glibc = glibc(program)?;
    Ok(needs)
}

/// The highest version of glibc's symbols that is needed. What is asked for weakly (`VER_FLG_WEAK`) is not:
/// the loader goes on without it.
fn glibc(program: &[u8]) -> Result<Option<(u32, u32)>> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let Some((mut libraries, link)) = sections.gnu_verneed(endian, program)? else { return Ok(None) };
    let strings = sections.strings(endian, program, link)?;
    let mut highest = None;
    while let Some((_, mut versions)) = libraries.next()? {
        while let Some(version) = versions.next()? {
            let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            if version.vna_flags.get(endian).contains(VER_FLG_WEAK) {
                continue;
            }
            if let Some(version) = name.strip_prefix("GLIBC_") {
                highest = highest.max(Some(parse(version)?));
            }
        }
    }
    Ok(highest)
}

/// `2.34`, or the name of a feature of the loader.
fn parse(version: &str) -> Result<(u32, u32)> {
    let number = |part: Option<&str>| part.unwrap_or("0").parse().ok();
    let mut parts = version.split('.');
    match (version, number(parts.next()), number(parts.next())) {
        ("ABI_DT_RELR", ..) => Ok((2, 36)), // glibc's NEWS for 2.36
        (_, Some(major), Some(minor)) => Ok((major, minor)),
        _ => bail!("the program needs GLIBC_{version}, which is no version of glibc"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_or_known_features() {
        assert_eq!(parse("2.2.5").unwrap(), (2, 2));
        assert_eq!(parse("2.34").unwrap(), (2, 34));
        assert_eq!(parse("ABI_DT_RELR").unwrap(), (2, 36));
        assert!(parse("PRIVATE").unwrap_err().to_string().contains("GLIBC_PRIVATE"));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn a_dynamic_program_needs_what_the_linker_was_told() {
        let needs = needs(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert!(needs.libraries.iter().any(|name| name == "libc.so.6"), "{needs:?}");
        assert!(needs.glibc.unwrap() >= (2, 17), "Rust's own floor: {needs:?}");
    }

    #[test]
    fn text_is_no_program() {
        assert!(needs(b"#!/bin/sh\n").is_err());
    }
}
