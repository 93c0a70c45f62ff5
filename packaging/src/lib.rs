//! # xtask: the code that builds
//!
//! `cargo xtask dist` turns one compiled program into the release bundles of ductor. Three words carry it:
//!
//! * a [`target`] is what the program is compiled for: one table of facts, a row a triple;
//! * a [`payload`] is what every bundle of a target carries: one list, a line a file;
//! * a [`bundle`] is a function from a payload to the bytes of one release file: one module a format.
//!
//! [`dist`] is the way from the command line to the files on disk, read from top to bottom. Around it:
//! [`workspace`] (where everything is), [`release`] (which version, since when), [`build`] (the compiler,
//! with [`made_of`]), [`toolchain`] and [`linker`] (what this machine lacks), [`tools`] (programs of others), [`layout`]
//! (where a file of the payload belongs), [`stamp`] (whether anything has changed), [`kept`] (what was made before),
//! [`progress`] and [`report`] (what is said). The writers share [`tree`], [`compress`], [`xz`], [`elf`], [`macho`] and [`text`].
//!
//! [`describe`] makes what goes with the bundles: what is said of them, which is [`manifest`] (for cargo-dist), [`sbom`]
//! (what the program is made of) and [`checksums`]; and each [`companion`] of them, which is [`installers`] (with
//! [`cargo_dist`] and [`formula`]) or [`channels`]. [`signature`] signs the hashes. [`verify`] opens everything again and
//! compares. [`site`] is the page where people get it all, [`picture`] the one in the README. [`checklist`] says what is
//! to be done before all that becomes a release.
//!
//! [`mod@test`] runs every check of this repository, on the real machines that [`lab`] boots; [`docs`] reads the pages for
//! people. [`soak`] goes on with the host for hours, [`fuzz`] with every [parser](parsers), and [`mod@bench`] measures beside others.
//!
//! What is put *into* packages and is no code stands in `installers/`.

pub mod bench;
pub mod build;
pub mod bundle;
pub mod cargo_dist;
pub mod changelog;
pub mod channels;
pub mod checklist;
pub mod checksums;
pub mod companion;
pub mod compress;
pub mod describe;
pub mod dist;
pub mod docs;
pub mod elf;
pub mod epoch;
pub mod flags;
pub mod formula;
pub mod fuzz;
pub mod installers;
pub mod kept;
pub mod lab;
pub mod layout;
pub mod linker;
pub mod macho;
pub mod made_of;
pub mod manifest;
pub mod parsers;
pub mod payload;
pub mod picture;
pub mod progress;
pub mod release;
pub mod report;
pub mod sbom;
pub mod signature;
pub mod site;
pub mod soak;
pub mod stamp;
pub mod target;
pub mod test;
pub mod text;
pub mod toolchain;
pub mod tools;
pub mod tree;
pub mod verify;
pub mod version;
pub mod workspace;
pub mod xz;
