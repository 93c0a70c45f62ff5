//! `cargo xtask dist --sign KEY`: minisign(1) believes the signature, and so do the installers of that release.
//!
//! Where minisign is not installed its part is left out; with `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use minisign::KeyPair;
use tempfile::TempDir;
use xtask::checksums::sha256;
use xtask::tools;

mod programs;

const PASSWORD: &str = "horse battery's \"staple\"";

/// A copy of this checkout, whose installers know a key, and that key.
struct World {
    folder: TempDir,
    key: PathBuf,
    public: String,
}

impl World {
    fn new(password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        programs::copy_checkout(&folder.path().join("checkout"));
        let key = folder.path().join("key");
        let pair = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password.into())).unwrap(),
            None => KeyPair::generate_unencrypted_keypair().unwrap(),
        };
        fs::write(&key, pair.sk.to_box(None).unwrap().into_string()).unwrap();
        let known = pair.pk.to_box().unwrap().into_string();
        fs::write(folder.path().join("checkout/installers/ductor.pub"), known).unwrap();
        Self { folder, key, public: pair.pk.to_base64() }
    }

    /// `xtask dist` for a bundle, signed. The checkout knows a small program only.
    fn dist(&self, bundle: &str, password: Option<&str>) -> Output {
        let target = self.folder.path().join("target");
        programs::compiled(&target);
        let mut dist = Command::new(env!("CARGO_BIN_EXE_xtask"));
        dist.args(["dist", bundle, "--no-build", "--sign"]).arg(&self.key);
        dist.env("CARGO_MANIFEST_DIR", self.folder.path().join("checkout/packaging"));
        dist.env("CARGO_TARGET_DIR", &target).env("SOURCE_DATE_EPOCH", "1234567890");
        if let Some(password) = password {
            dist.env("DUCTOR_SIGN_PASSWORD", password);
        }
        // Without a terminal nobody can be asked.
        let mut asked = Command::new("setsid");
        asked.arg("--wait").arg(dist.get_program()).args(dist.get_args());
        asked.envs(dist.get_envs().filter_map(|(name, value)| Some((name, value?))));
        asked.output().unwrap()
    }

    /// What minisign says to the signature of the release. None where it is not installed.
    fn minisign(&self) -> Option<Output> {
        let mut minisign = Command::new("minisign");
        minisign.args(["-V", "-m", "sha256.sum", "-P", &self.public]);
        match minisign.current_dir(self.distrib()).output() {
            Err(error) => {
                fakes::left_out(format_args!("minisign: {error}"));
                None
            }
            Ok(output) => Some(output),
        }
    }

    fn distrib(&self) -> PathBuf {
        self.folder.path().join("target/distrib")
    }
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn minisign_believes_the_signature_and_nothing_that_was_changed() {
    let world = World::new(Some(PASSWORD));
    let output = world.dist("linux/x86_64/deb", Some(PASSWORD));
    assert!(output.status.success(), "{}", talk(&output));
    let Some(output) = world.minisign() else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", talk(&output));
    let version = env!("CARGO_PKG_VERSION");
    assert!(said.contains(&format!("Trusted comment: ductor {version}\tfile:sha256.sum")), "{said}");

    let sums = world.distrib().join("sha256.sum");
    let changed = fs::read_to_string(&sums).unwrap().replacen('a', "b", 1);
    fs::write(&sums, changed).unwrap();
    assert!(!world.minisign().unwrap().status.success());
}

#[test]
fn the_installers_of_a_signed_release_know_its_key() {
    if tools::cargo_dist().is_err() {
        fakes::left_out("cargo-dist is not installed");
        return;
    }
    let world = World::new(None);
    let output = world.dist("any/installers", None);
    assert!(output.status.success(), "{}", talk(&output));
    let script = fs::read_to_string(world.distrib().join("install.sh")).unwrap();
    assert!(script.contains(&format!("\nPUBLIC_KEY='{}'\n", world.public)));
    let sums = fs::read_to_string(world.distrib().join("sha256.sum")).unwrap();
    assert!(sums.contains(&format!("{} *install.sh\n", sha256(script.as_bytes()))), "{sums}");
}

#[test]
fn a_key_that_cannot_sign_for_this_release_is_refused_before_anything_is_made() {
    let world = World::new(Some(PASSWORD));
    for (password, said) in
        [(Some("wrong"), "Wrong password for that key"), (None, "fix: set DUCTOR_SIGN_PASSWORD")]
    {
        let output = world.dist("linux/x86_64/deb", password);
        assert_eq!(output.status.code(), Some(1));
        assert!(talk(&output).contains(said), "{}", talk(&output));
    }
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    let known = other.pk.to_box().unwrap().into_string();
    fs::write(world.folder.path().join("checkout/installers/ductor.pub"), known).unwrap();
    let output = world.dist("linux/x86_64/deb", Some(PASSWORD));
    assert!(talk(&output).contains("the installers would not believe it"), "{}", talk(&output));
    assert!(talk(&output).contains(&format!("put its public half there: {}", world.public)));
    assert!(!world.distrib().exists());
}
