//! Runs the programs unchanged: workers, the start and stop of a daemon, leaders.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Client, Document, Folder, Process, Server, node_modules, python, wait_until};

/// The program of a page that has this text.
#[track_caller]
pub(super) fn program(page: &str, language: &str, text: &str) -> String {
    Document::read(&format!("docs/{page}.md")).block(language, text)
}

/// Those pages are run by the tests of the libraries.
#[test]
fn the_workers_of_the_readme_are_those_of_the_libraries() {
    for (language, page) in [("python", "docs/python/index.md"), ("ts", "docs/node/index.md")] {
        let [shown] = &Document::read("README.md").blocks(language)[..] else {
            panic!("one block in {language}");
        };
        assert!(Document::read(page).blocks(language).contains(shown), "{page}");
    }
}

/// Each of these is run below.
#[test]
fn the_programs_are_these_and_no_others() {
    let mut names = Vec::new();
    for page in Document::all() {
        if ["README.md", "docs/operating/index.md", "docs/recipes.md"].contains(&page.name()) {
            continue;
        }
        // Those of the libraries have tests of their own: test_manual.py and documented.test.ts.
        if page.name().starts_with("docs/python/") || page.name().starts_with("docs/node/") {
            continue;
        }
        let is_ours = |program: &String| !program.contains("steward_redis");
        let scripts = page.blocks("sh").into_iter().filter(|block| block.starts_with("#!"));
        let programs = scripts.chain(page.blocks("python")).chain(page.blocks("js"));
        for program in programs.filter(is_ours) {
            let about = program.lines().find_map(|line| line.split_once(' ')).unwrap().1;
            names.push(about.split([' ', ':']).next().unwrap().to_string());
        }
    }
    names.sort();
    let known = [
        "producer.py",
        "report.py",
        "report.sh",
        "start-billing",
        "stop-billing",
        "worker.mjs",
        "worker.py",
        "worker.sh",
    ];
    assert_eq!(names, known);
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into()
}

/// Gives a worker two good tasks and one that fails at first.
#[track_caller]
fn works(server: &Server, dir: &Path, program: &mut Command) {
    let mut client = server.client();
    let _worker = Process::spawn(program);
    client.call_args(&["TASK.SCHEDULE", "mail", "to ann: hello\n  two lines"]);
    client.call_args(&["TASK.SCHEDULE", "mail", "to bob: flaky", "BACKOFF", "FIXED", "10"]);
    wait_until("all is done", || client.stat("mail", "acked_total") == 2);
    client.schedule("mail late");
    wait_until("the late one is done", || client.stat("mail", "acked_total") == 3);
    assert_eq!(client.stat("mail", "failed_total"), 1);
    let delivered = fs::read_to_string(dir.join("delivered")).unwrap();
    assert_eq!(delivered, "to ann: hello\n  two lines\nto bob: flaky\nlate\n");
    let name = client.call("TASK.WORKERS mail").items()[1].items()[0]
        .field("worker")
        .to_string();
    client.must(&format!("HB.BEAT mail {}", name.trim_matches('\'')));
    client.must("HB.SIGNAL mail * quiet");
    // Its loop waits, and does not ask over and over.
    wait_until("it waits", || client.stat("mail", "waiting_clients") == 1);
    client.must("HB.SIGNAL mail * none");
    client.schedule("mail last");
    wait_until("the last one is done", || client.stat("mail", "acked_total") == 4);
}

#[test]
fn the_worker_in_shell_works() {
    let server = Server::start();
    let folder = Folder::new(&server);
    let deliver = "#!/bin/sh\ncase $1 in *flaky) [ -e tried ] || { touch tried; echo no luck; exit 1; } ;; esac\n\
                   printf '%s\\n' \"$1\" >>delivered\n";
    folder.add("deliver", deliver);
    folder.add("worker.sh", &program("guides/workers", "sh", "# worker.sh"));
    let mut worker = folder.program(&["worker.sh"], ("IS", "worker-1"));
    works(&server, folder.path(), &mut worker);
}

#[test]
fn the_worker_in_python_works() {
    let deliver = "import os.path\ndef deliver(payload):\n    if payload.endswith(b'flaky') and not os.path.exists('tried'):\n        \
                   open('tried', 'w'); raise ValueError('no luck')\n    open('delivered', 'ab').write(payload + b'\\n')\n";
    in_language("python", "# worker.py", deliver, "worker.py", &python());
}

#[test]
fn the_worker_in_node_works() {
    let deliver = "import fs from 'fs';\nasync function deliver(payload) {\n  if (String(payload).endsWith('flaky') && !fs.existsSync('tried')) \
                   { fs.writeFileSync('tried', ''); throw new Error('no luck'); }\n  fs.appendFileSync('delivered', payload + '\\n');\n}\n";
    in_language("js", "// worker.mjs", deliver, "worker.mjs", "node".as_ref());
}

#[track_caller]
fn in_language(language: &str, start: &str, deliver: &str, file: &str, interpreter: &Path) {
    let server = Server::builder().listening().start();
    let dir = tempfile::tempdir().unwrap();
    symlink(node_modules(), dir.path().join("node_modules")).unwrap();
    fs::write(
        dir.path().join(file),
        format!("{deliver}{}", program("guides/workers", language, start)),
    )
    .unwrap();
    works(
        &server,
        dir.path(),
        &mut interpreted(&server, dir.path(), interpreter, file),
    );
}

fn interpreted(server: &Server, dir: &Path, interpreter: &Path, file: &str) -> Command {
    interpreted_at(&format!("127.0.0.1:{}", server.port()), dir, interpreter, file)
}

/// A program in a folder, for the server at this address.
pub(super) fn interpreted_at(server: &str, dir: &Path, interpreter: &Path, file: &str) -> Command {
    let mut program = Command::new(interpreter);
    program.arg(file).current_dir(dir);
    program.env("REDIS_URL", format!("redis://{server}"));
    program
}

fn pid_on(client: &mut Client, host: &str) -> String {
    client.must(&format!("PID.GET billing {host} pid")).to_string()
}

#[test]
#[cfg(target_os = "linux")]
fn the_daemon_runs_once_and_comes_back_after_a_stop_a_crash_and_a_reboot() {
    let server = Server::start();
    let mut client = server.client();
    let folder = Folder::new(&server);
    for script in ["start-billing", "stop-billing"] {
        folder.add(script, &program("guides/pid-files", "sh", &format!("# {script}:")));
    }
    folder.add("billing", "#!/bin/sh\nexec sleep 600\n");
    folder.add("uname", "#!/bin/sh\necho \"$ON\"\n");
    let start = |host| folder.program(&["start-billing"], ("ON", host));
    let stop = |host| folder.program(&["stop-billing"], ("ON", host));
    let mut starts = || {
        let process = Process::spawn(&mut start("a3"));
        wait_until("it is registered", || {
            pid_on(&mut client, "a3") == process.id().to_string()
        });
        process
    };

    let first = starts();
    for host in ["a3", "b1"] {
        let second = start(host).output().unwrap();
        assert!(!second.status.success());
        assert!(errors(&second).starts_with("billing: held, leader: member a3 epoch"));
    }
    drop(first);
    let mut after_a_crash = starts();

    assert!(stop("b1").status().unwrap().success());
    assert!(!after_a_crash.has_ended());
    assert!(stop("a3").status().unwrap().success());
    assert!(after_a_crash.has_ended());
    assert!(stop("a3").status().unwrap().success());
    let after_a_stop = starts();

    // Of start-billing, only the boot id.
    folder.add("cat", "#!/bin/sh\necho another boot\n");
    drop(after_a_stop);
    let _after_a_reboot = starts();
    let mut client = server.client();
    let reasons = client.must("XRANGE proc:{billing}:events - +").to_string();
    let reasons: Vec<&str> = reasons.split("'reason', '").skip(1).collect();
    let reasons: Vec<&str> = reasons.iter().map(|rest| rest.split('\'').next().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "registered",
            "",
            "left",
            "registered",
            "",
            "left",
            "registered",
            "",
            "reboot",
            "registered",
            ""
        ]
    );
}

/// Starts two, and kills the one that leads.
#[track_caller]
fn lead_in_turn(server: &Server, mut spawn_as: impl FnMut(&str) -> Process) {
    let mut client = server.client();
    let mut written = |by: &str| {
        wait_until(&format!("{by} has written"), || {
            client.must("GET {report}text") == format!("'{by}'")
        });
    };
    let one = spawn_as("one");
    written("one");
    let _two = spawn_as("two");
    let mut admin = server.client();
    wait_until("the other stands by", || {
        admin.must("PID.GET report two role") == "'candidate'"
    });
    drop(one);
    written("two");
}

#[test]
fn the_leaders_in_shell_take_turns() {
    let server = Server::start();
    let folder = Folder::new(&server);
    folder.add("report.sh", &program("guides/leader-election", "sh", "# report.sh"));
    folder.add("write_report", "#!/bin/sh\necho \"$IS\"\n");
    lead_in_turn(&server, |name| {
        Process::spawn(&mut folder.program(&["report.sh", name], ("IS", name)))
    });
}

#[test]
fn the_leaders_in_python_take_turns() {
    let server = Server::builder().listening().start();
    let dir = tempfile::tempdir().unwrap();
    let write_report = "import os\ndef write_report():\n    return os.environ['IS']\n";
    let program = format!(
        "{write_report}{}",
        program("guides/leader-election", "python", "# report.py")
    );
    fs::write(dir.path().join("report.py"), program).unwrap();
    lead_in_turn(&server, |name| {
        Process::spawn(
            interpreted(&server, dir.path(), &python(), "report.py")
                .arg(name)
                .env("IS", name),
        )
    });
}
