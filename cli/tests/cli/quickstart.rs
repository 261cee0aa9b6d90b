//! The first steps of the manual, typed as they stand there.

use std::fs::{File, remove_file};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::manual::blocks_of;
use crate::support::{Running, Stage, free_port, in_shell_at, lines, module, told, wait_until};
use crate::verbs::manual::{enter, steps};

const PAGE: &str = "quickstart.md";

/// A reader in a clone of the project, whose server is that of `scripts/server`; it ends when dropped.
struct Reader {
    stage: Stage,
    port: String,
}

impl Reader {
    fn new() -> Reader {
        let reader = Reader {
            stage: Stage::new(),
            port: free_port().to_string(),
        };
        // The work of the worker lasts until it may end. The script that starts the server sleeps for parts of a second.
        let sleep = reader.stage.file("sleep");
        let go = reader.stage.file("go");
        std::fs::write(
            &sleep,
            format!(
                "#!/bin/sh\ncase $1 in 0.*) exec /bin/sleep $1 ;; esac\nuntil [ -e {} ]; do /bin/sleep 0.02; done\n",
                go.display()
            ),
        )
        .unwrap();
        std::fs::set_permissions(sleep, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(told(&reader.shell("scripts/server start").output().unwrap()).0, 0);
        reader
    }

    fn shell(&self, line: &str) -> Command {
        let mut shell = in_shell_at(&format!("redis://127.0.0.1:{}", self.port), line, &self.stage);
        shell.env("RUN", self.stage.file("run"));
        shell.env("MODULE", module()).env("PORT", &self.port);
        shell.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        shell
    }

    /// Starts the worker of the page. What it says goes into a file.
    fn worker(&self) -> Running {
        let shown = blocks_of(PAGE, "sh");
        let line = shown.iter().find(|block| block.starts_with("steward work")).unwrap();
        let said = File::options().append(true).create(true).open(self.stage.file("said"));
        Running::start(self.shell(&format!("exec {line}")).stdout(Stdio::from(said.unwrap())))
    }

    #[track_caller]
    fn wait_until_said(&self, line: &str) {
        wait_until(line, || lines(&self.stage.file("said")).iter().any(|said| said == line));
    }

    #[track_caller]
    fn wait_until_claimed(&self, id: &str) {
        wait_until("it is claimed", || {
            told(
                &self
                    .shell(&format!("steward show mail {id} --field state"))
                    .output()
                    .unwrap(),
            )
            .1 == "claimed"
        });
    }

    fn may_end(&self, may: bool) {
        let go = self.stage.file("go");
        if may {
            drop(File::create(go).unwrap())
        } else {
            remove_file(go).unwrap()
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.shell("scripts/server stop").output();
    }
}

#[test]
fn the_first_steps_lead_to_a_worker_and_through_two_crashes() {
    let reader = Reader::new();
    let [tasks, kill, crash] = &blocks_of(PAGE, "console")[..] else {
        panic!("three sessions")
    };
    let enter = |command, shown| enter(command, shown, |line| reader.shell(line));
    steps(tasks).for_each(|(command, shown)| enter(command, shown));

    let killed = reader.worker();
    reader.may_end(true);
    reader.wait_until_said("mail ann: sent to ann: hello");
    reader.may_end(false);
    for (command, shown) in steps(kill) {
        enter(command, shown);
        if command.starts_with("steward put") {
            reader.wait_until_claimed("bob");
        }
    }
    killed.wait_until_nothing_is_left();
    let mut worker = reader.worker();
    reader.may_end(true);
    reader.wait_until_said("mail bob: sent to bob: hello");

    steps(crash).for_each(|(command, shown)| enter(command, shown));
    enter("steward put mail 'to dan: hello' --id dan", "dan");
    reader.wait_until_said("mail dan: sent to dan: hello");
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait().code(), Some(0));
}
