//! The cgroup of a program, where there can be one.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::{Server, Stage, send, wait_until};

/// The cgroup v2 of a process.
fn group(pid: u32) -> String {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"));
    group.unwrap_or_default().to_string()
}

/// The folder of the cgroup of this process, where cgroups v2 are writable.
fn writable() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, top) = (fields.next()?, fields.next()?);
    let ours = group(std::process::id());
    let folder = PathBuf::from(format!("{top}{}", ours.strip_prefix(root.trim_end_matches('/'))?));
    let probe = folder.join(format!("steward-test-{}", std::process::id()));
    std::fs::create_dir(&probe).ok()?;
    let has_kill = probe.join("cgroup.kill").exists();
    std::fs::remove_dir(&probe).unwrap();
    has_kill.then_some(folder)
}

#[test]
fn a_program_has_a_cgroup_where_they_are_writable_and_it_is_removed_whoever_is_killed() {
    let server = Server::start();
    let folder = writable();
    for victim in ["steward", "guardian", "program", "both"] {
        let stage = Stage::new();
        let mut lead = stage.lead("a", &server.url(), &[], "sleep 600 & exec sleep 600");
        let program = stage.wait_for_start(1).pid;
        let guardian = lead.guardian();
        let expected = folder.as_ref().map(|folder| folder.join(format!("steward-{guardian}")));
        let found = group(program.try_into().unwrap());
        assert_eq!(
            found.ends_with(&format!("/steward-{guardian}")),
            expected.is_some(),
            "{found}"
        );
        match victim {
            "steward" => lead.signal(Signal::KILL),
            "guardian" => send(guardian, Signal::KILL),
            "both" => {
                lead.signal(Signal::STOP);
                send(guardian, Signal::KILL);
                lead.signal(Signal::KILL);
            }
            _ => send(program, Signal::KILL),
        }
        lead.wait();
        if victim == "both" {
            // The next one does it. Nobody is left to end what the program had started.
            assert_eq!(server.run(&["lead", "other", "--", "true"]).0, 0);
            lead.left().into_iter().for_each(|pid| send(pid, Signal::KILL));
            wait_until("it is empty", || {
                server.run(&["lead", "other", "--", "true"]);
                expected.as_ref().is_none_or(|folder| !folder.exists())
            });
        }
        lead.wait_until_nothing_is_left();
        wait_until("it is removed", || {
            expected.as_ref().is_none_or(|folder| !folder.exists())
        });
    }
}
