//! A cgroup of the program's own, where cgroups v2 are writable for us: its end is one write, which nothing that forks
//! meanwhile escapes. Elsewhere descendants are found and killed one by one, which is done here afterwards as well.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, getpid};

/// What our cgroups are called before the number of their guardian.
const NAME: &str = "steward-";

pub(super) struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// Makes one below that of this process; none where that cannot be done, or before Linux 5.14.
    pub(super) fn make() -> Option<Cgroup> {
        let ours = ours()?;
        remove_stale(&ours);
        let cgroup = Cgroup {
            folder: ours.join(format!("{NAME}{}", getpid())),
        };
        fs::create_dir(&cgroup.folder).ok()?;
        // It is removed again otherwise.
        fs::exists(cgroup.folder.join("cgroup.kill")).ok()?.then_some(cgroup)
    }

    /// Removes that of a guardian which was killed, if nothing runs in it any more.
    pub(super) fn remove(guardian: Pid) {
        if let Some(ours) = ours() {
            let _ = fs::remove_dir(ours.join(format!("{NAME}{guardian}")));
        }
    }

    /// The file into which a process that is to belong to it writes 0.
    pub(super) fn entrance(&self) -> Option<File> {
        File::options().write(true).open(self.folder.join("cgroup.procs")).ok()
    }

    /// Kills all that belong to it.
    pub(super) fn kill(&self) {
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Removes those of guardians that were killed together with their steward. One that is in use cannot be removed.
fn remove_stale(ours: &Path) {
    for entry in fs::read_dir(ours).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let guardian = name
            .to_str()
            .and_then(|name| name.strip_prefix(NAME)?.parse::<u32>().ok());
        if guardian.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The folder of the cgroup of this process.
fn ours() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (root, top) = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, top) = (fields.next()?, fields.next()?);
        after.starts_with("cgroup2 ").then_some((root, top))
    })?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // A container sees a part of the tree.
    let below = group.strip_prefix(root.trim_end_matches('/'))?;
    Some(PathBuf::from(format!("{top}{below}")))
}
