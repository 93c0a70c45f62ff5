//! The *cgroup* of a machine. With `--keep-unit` nspawn puts a machine into that of its caller, where two would disturb
//! each other: each gets one of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab::util::wait_for;

/// For a shell with a mount namespace of its own: sees the control groups as on a machine that knows those of
/// version 2 alone, and goes on as the command in its arguments.
pub const VERSION_2_ALONE: &str = "mount --make-rprivate / && umount -R /sys/fs/cgroup && \
    mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec \"$@\"";

/// The hierarchies in which a machine needs a cgroup: named and unified (v1, hybrid), or the one of v2.
fn cgroups(name: &str) -> impl Iterator<Item = PathBuf> {
    ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(Path::new)
        .into_iter()
        .filter(|hierarchy| hierarchy.join("cgroup.procs").exists())
        .map(move |hierarchy| hierarchy.join(format!("ductor-lab-{name}")))
}

/// Makes those of the machine of this name.
pub fn make(name: &str) -> Result<Vec<PathBuf>> {
    let own: Vec<PathBuf> = cgroups(name).collect();
    for cgroup in &own {
        fs::create_dir_all(cgroup).with_context(|| format!("make the cgroup {}", cgroup.display()))?;
    }
    Ok(own)
}

/// The kernel lets go of a cgroup a moment after its last process; what stays is empty and harmless.
pub fn remove(name: &str) {
    for cgroup in cgroups(name) {
        let _stays = wait_for("the end of its processes", Duration::from_secs(2), || {
            remove_tree_of_folders(&cgroup);
            Ok((!cgroup.exists()).then_some(()))
        });
    }
}

fn remove_tree_of_folders(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree_of_folders(&entry.path());
        }
    }
    let _busy = fs::remove_dir(folder);
}
