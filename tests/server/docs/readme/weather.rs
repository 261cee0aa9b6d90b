//! What the workers and leaders of the manual live through: a slow network, a lost reply, a payload that cannot be done,
//! idleness, a restart of the server, SIGTERM.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::programs::{interpreted_at, program};
use crate::support::{Client, Document, Folder, Process, Proxy, Server, Value, node_modules, python, wait_until};

/// Each fails for a payload with `poison`, and waits at one with `slow` until there is a file `go`.
const SHELL: &str = r#"#!/bin/sh
case $1 in
    *poison*) exit 1 ;;
    *slow*) touch at-it; until [ -e go ]; do sleep 0.01; done; rm go at-it ;;
esac
echo "$1" >>delivered
"#;
const PYTHON: &str = r#"import os, time
def deliver(payload):
    payload = payload.decode()
    if "slow" in payload:
        open("at-it", "w")
        while not os.path.exists("go"): time.sleep(0.01)
        os.remove("go"); os.remove("at-it")
    open("delivered", "a").write(payload + "\n")
"#;
const NODE: &str = r#"import fs from "node:fs";
async function deliver(payload) {
  payload = new TextDecoder("utf-8", { fatal: true }).decode(payload);
  if (payload.includes("slow")) {
    fs.writeFileSync("at-it", "");
    while (!fs.existsSync("go")) await new Promise((done) => setTimeout(done, 10));
    fs.rmSync("go"); fs.rmSync("at-it");
  }
  fs.appendFileSync("delivered", payload + "\n");
}
"#;

struct Weather {
    server: Server,
    proxy: Proxy,
    folder: Folder,
    /// Whether the program keeps its connection.
    stays: bool,
}

impl Weather {
    /// The programs are run as the worker of the manual, with these rights as well.
    fn new(stays: bool, rights: &str) -> Weather {
        let acl = Document::read("docs/reference/acl.md");
        let worker = acl
            .text()
            .lines()
            .find_map(|line| line.strip_prefix("ACL SETUSER worker "));
        let user = format!("worker {} {rights}", worker.unwrap());
        let server = Server::builder().listening().append_always().set("user", &user).start();
        let folder = Folder::new(&server);
        let proxy = Proxy::to(server.port());
        folder.go_through(&format!(
            "-p {} --user worker --pass change-me --no-auth-warning",
            proxy.port()
        ));
        symlink(node_modules(), folder.path().join("node_modules")).unwrap();
        Weather {
            server,
            proxy,
            folder,
            stays,
        }
    }

    /// A program of the manual, with what stands for the reader's work.
    fn interpreted(&self, interpreter: &Path, file: &str, text: &str) -> Command {
        fs::write(self.folder.path().join(file), text).unwrap();
        let server = format!("worker:change-me@127.0.0.1:{}", self.proxy.port());
        interpreted_at(&server, self.folder.path(), interpreter, file)
    }

    fn is_there(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }

    fn let_go(&self) {
        File::create(self.folder.path().join("go")).unwrap();
        wait_until("it goes on", || !self.is_there("at-it"));
    }

    /// Loses the reply to the command as it comes.
    fn lose(&self, command: &str, reply: &str, step: impl FnOnce()) {
        self.proxy.lose(command, reply);
        step();
        wait_until(&format!("a reply to {command} is lost"), || self.proxy.has_lost());
    }
}

fn done(client: &mut Client, count: i64) {
    wait_until(&format!("{count} are done"), || {
        client.stat("mail", "acked_total") == count
    });
}

fn claims(client: &mut Client) -> i64 {
    let stats = client.info("cmdstat_task.claim");
    let calls = stats.split(',').next().and_then(|calls| calls.strip_prefix("calls="));
    calls.map_or(0, |calls| calls.parse().unwrap())
}

/// All of it happens to this worker.
#[track_caller]
fn lives_through(mut weather: Weather, program: &mut Command) {
    let mut client = weather.server.client();
    let mut worker = Process::spawn(program.stdout(Stdio::null()));
    client.schedule("mail first");
    done(&mut client, 1);

    // A claim that is not bound comes back when its lease is over.
    let third = format!("mail third {}", if weather.stays { "" } else { "LEASE 5000" });
    weather.lose("TASK.ACK", "OK", || drop(client.schedule("mail second")));
    weather.lose("TASK.CLAIM", "third", || drop(client.schedule(&third)));
    done(&mut client, 3);
    assert_eq!(client.stat("mail", "lost_total"), 1);

    client.call_args(&[&b"TASK.SCHEDULE"[..], b"mail", b"poison \xff\xfe", b"ATTEMPTS", b"1"]);
    wait_until("it is given up", || client.stat("mail", "dead_tasks") == 1);
    assert_eq!(client.stat("mail", "failed_total"), 1, "no other failed");

    wait_until("it waits", || client.blocked_clients() == 1);
    let (connections, asked) = (weather.proxy.connections(), claims(&mut client));
    wait_until("it asks again after a wait in vain", || claims(&mut client) > asked);
    assert!(!weather.stays || weather.proxy.connections() == connections);

    client.schedule("mail slow ID slow");
    wait_until("it is at work", || weather.is_there("at-it"));
    weather.server.kill_9();
    weather.server.start_again(&[]);
    let mut client = weather.server.client();
    weather.let_go();
    done(&mut client, 1);

    client.schedule("mail slow");
    wait_until("it is at work", || weather.is_there("at-it"));
    worker.signal_alone("-TERM");
    client.schedule("mail later");
    weather.let_go();
    wait_until("it ends", || worker.has_ended());
    assert!(worker.exit().unwrap().success());
    assert_eq!(client.counts("mail"), "ready 1 dead 1");
    let mut delivered = weather.folder.lines("delivered");
    delivered.sort();
    assert_eq!(delivered, ["first", "second", "slow", "slow", "third"]);
}

#[test]
fn the_worker_in_shell_lives_through_it() {
    let weather = Weather::new(false, "");
    weather.folder.add("deliver", SHELL);
    weather
        .folder
        .add("worker.sh", &program("guides/workers", "sh", "# worker.sh"));
    let mut worker = weather.folder.program(&["worker.sh"], ("IS", "w"));
    lives_through(weather, &mut worker);
}

#[test]
fn the_worker_in_python_lives_through_it() {
    let weather = Weather::new(true, "");
    let text = format!("{PYTHON}{}", program("guides/workers", "python", "# worker.py"));
    let mut worker = weather.interpreted(&python(), "worker.py", &text);
    lives_through(weather, &mut worker);
}

#[test]
fn the_worker_in_node_lives_through_it() {
    let weather = Weather::new(true, "");
    let text = format!("{NODE}{}", program("guides/workers", "js", "// worker.mjs"));
    let mut worker = weather.interpreted("node".as_ref(), "worker.mjs", &text);
    lives_through(weather, &mut worker);
}

/// What the leaders need: a key of their own, and the command for it.
const REPORT: &str = "~report ~{report}text +set";

/// The program of the manual, with a TTL that no slow machine exceeds: nothing here is to come from its end.
fn leader(language: &str, start: &str) -> String {
    let text = program("guides/leader-election", language, start);
    let patient = text.replace("5000", "60000");
    assert_ne!(patient, text);
    patient
}

/// Waits until the leader writes, whichever it is.
fn writes(client: &mut Client) -> String {
    client.must("DEL {report}text");
    wait_until("one of them writes", || client.must("GET {report}text") != Value::Null);
    client.must("HB.LEADER report").field("member").text()
}

/// Two of these: the server restarts, the one that leads loses a reply, and it is told to end.
#[track_caller]
fn leads_through(mut weather: Weather, mut spawn: impl FnMut(&Weather, &str) -> Process) {
    let bound = if weather.stays { "1" } else { "0" };
    let is_bound = |client: &mut Client| {
        wait_until("it has as many bound connections as it should", || {
            client.call("PID.GET report one connections") == bound
        });
    };
    let mut client = weather.server.client();
    let mut one = spawn(&weather, "one");
    wait_until("it leads", || client.must("HB.LEADER report") != Value::Null);
    let _two = spawn(&weather, "two");
    wait_until("the other stands by", || {
        client.call("PID.GET report two role") == "'candidate'"
    });
    assert_eq!(writes(&mut client), "one");
    is_bound(&mut client);

    weather.server.kill_9();
    weather.server.start_again(&[]);
    let mut client = weather.server.client();
    assert_eq!(writes(&mut client), "one");
    is_bound(&mut client);
    let events = |client: &mut Client| client.must("XRANGE proc:{report}:events - +").to_string();
    assert!(!events(&mut client).contains("'down'"), "it came back in time");

    weather.lose("HB.FENCED", "OK", || {});
    let leader = writes(&mut client);
    is_bound(&mut client);
    if leader == "two" {
        client.must("PID.EVICT report two");
    }
    wait_until("one leads", || writes(&mut client) == "one");
    one.signal_alone("-TERM");
    wait_until("it ends", || one.has_ended());
    assert_eq!(writes(&mut client), "two");
    let events = events(&mut client);
    let down = events.rsplit("'down', 'member', 'one'").next().unwrap();
    let reason = if weather.stays { "disconnect" } else { "left" };
    assert!(down.contains(&format!("'reason', '{reason}'")), "{down}");
}

#[test]
fn the_leader_in_shell_lives_through_it() {
    let weather = Weather::new(false, REPORT);
    weather.folder.add("report.sh", &leader("sh", "# report.sh"));
    weather.folder.add("write_report", "#!/bin/sh\necho \"$IS\"\n");
    leads_through(weather, |weather, name| {
        Process::spawn(&mut weather.folder.program(&["report.sh", name], ("IS", name)))
    });
}

#[test]
fn the_leader_in_python_lives_through_it() {
    let weather = Weather::new(true, REPORT);
    let work = "import os\ndef write_report():\n    return os.environ['IS']\n";
    let text = format!("{work}{}", leader("python", "# report.py"));
    leads_through(weather, |weather, name| {
        let mut program = weather.interpreted(&python(), "report.py", &text);
        Process::spawn(program.arg(name).env("IS", name).stdout(Stdio::null()))
    });
}
