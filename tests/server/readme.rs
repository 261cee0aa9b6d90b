//! What the README shows, done: the session, the workers, the users; and that the tests it names exist.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use crate::support::{Client, Server, wait_until};

fn readme() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let readme = readme();
    let after = readme.split(&fence).skip(1);
    after
        .map(|text| text.split("```").next().unwrap().to_string())
        .collect()
}

/// The block that begins with this text.
fn block(language: &str, start: &str) -> String {
    let found = blocks(language).into_iter().find(|block| block.contains(start));
    found.unwrap_or_else(|| panic!("no block {language} with {start}"))
}

/// The command line client of Redis or Valkey.
pub fn cli() -> &'static str {
    let found = Command::new("redis-cli").arg("--version").output().is_ok();
    if found { "redis-cli" } else { "valkey-cli" }
}

/// Runs a command line that begins with redis-cli, on this server and as in a terminal.
fn shell(server: &Server, line: &str) -> String {
    let args = line.strip_prefix("redis-cli ").unwrap();
    let line = format!("{} --no-raw -s \"$SOCKET\" {args}", cli());
    let output = Command::new("sh")
        .args(["-c", &line])
        .env("SOCKET", server.dir().join("s"))
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_string()
}

/// Words and what is between them.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_ascii_alphanumeric();
        let end = rest
            .find(|c: char| c.is_ascii_alphanumeric() != is_word)
            .unwrap_or(rest.len());
        let (piece, more) = rest.split_at(end);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// Whether a word is an id, a token or a time, or one of these in a header: other in every run.
fn is_volatile(word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    match word.len() {
        13 | 16 => is_number && word.starts_with('1'),
        11 => word.starts_with(['0', '1']),
        9 => word.starts_with("0m"),
        _ => false,
    }
}

/// Volatile words of the README, and what stands for them in this run.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Fails unless the texts are alike but for volatile words, each always standing for the same one.
    fn compare(&mut self, command: &str, expected: &str, actual: &str) {
        let (left, right) = (pieces(expected), pieces(actual));
        let alike = left.len() == right.len()
            && left.iter().zip(&right).all(|(left, right)| {
                left == right
                    || is_volatile(left)
                        && is_volatile(right)
                        && left.len() == right.len()
                        && self.0.entry((*left).into()).or_insert_with(|| (*right).into()) == right
            });
        assert!(alike, "$ {command}\nREADME:\n{expected}\nnow:\n{actual}");
    }

    /// The command with the words of this run.
    fn fill_in(&self, command: &str) -> String {
        let known = |piece: &str| self.0.get(piece).cloned().unwrap_or_else(|| piece.into());
        pieces(command).into_iter().map(known).collect()
    }
}

#[test]
fn the_first_session_is_what_happens() {
    let server = Server::start();
    let mut seen = Seen::default();
    let mut commands = 0;
    for step in blocks("console").concat().split("$ ").skip(1) {
        let (command, expected) = step.split_once('\n').unwrap();
        let actual = shell(&server, &seen.fill_in(command));
        seen.compare(command, expected.trim_end(), &actual);
        commands += 1;
    }
    assert!(commands > 10);
}

/// Ended when dropped, with the processes it has started.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// Gives a worker two good tasks and one that fails at first.
#[track_caller]
fn works(server: &Server, delivered: &Path, program: &mut Command) {
    let mut client = server.client();
    let _worker = Worker(program.process_group(0).spawn().unwrap());
    client.call_args(&["TASK.SCHEDULE", "mail", "to ann: hello\n  two lines"]);
    client.call_args(&["TASK.SCHEDULE", "mail", "to bob: flaky", "BACKOFF", "FIXED", "10"]);
    wait_until("all is done", || client.stat("mail", "total_acked") == 2);
    client.schedule("mail late");
    wait_until("the late one is done", || client.stat("mail", "total_acked") == 3);
    assert_eq!(client.stat("mail", "total_failed"), 1);
    let delivered = fs::read_to_string(delivered).unwrap();
    assert_eq!(delivered, "to ann: hello\n  two lines\nto bob: flaky\nlate\n");
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_worker_in_shell_works() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let delivered = dir.path().join("delivered");
    let client = format!("#!/bin/sh\nPATH=${{PATH#*:}} exec {} -s \"$SOCKET\" \"$@\"\n", cli());
    executable(&dir.path().join("redis-cli"), &client);
    let deliver = "#!/bin/sh\ncase $1 in *flaky) [ -e tried ] || { touch tried; echo no luck; exit 1; } ;; esac\n\
                   printf '%s\\n' \"$1\" >>delivered\n";
    executable(&dir.path().join("deliver"), deliver);
    fs::write(dir.path().join("worker.sh"), block("sh", "# worker.sh")).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let mut worker = Command::new("sh");
    worker.args(["worker.sh", "worker-1"]).current_dir(dir.path());
    worker.env("PATH", path).env("SOCKET", server.dir().join("s"));
    works(&server, &delivered, worker.stdout(std::process::Stdio::null()));
}

#[test]
#[ignore = "needs python3 with the package redis"]
fn the_worker_in_python_works() {
    let deliver = "import os.path\ndef deliver(payload):\n    if payload.endswith('flaky') and not os.path.exists('tried'):\n        \
                   open('tried', 'w'); raise ValueError('no luck')\n    open('delivered', 'a').write(payload + '\\n')\n";
    in_language("python", "# worker.py", deliver, "worker.py", "python3");
}

#[test]
#[ignore = "needs node with the package ioredis, its folder node_modules in $NODE_DIR"]
fn the_worker_in_node_works() {
    let deliver = "import fs from 'fs';\nasync function deliver(payload) {\n  if (payload.endsWith('flaky') && !fs.existsSync('tried')) \
                   { fs.writeFileSync('tried', ''); throw new Error('no luck'); }\n  fs.appendFileSync('delivered', payload + '\\n');\n}\n";
    in_language("js", "// worker.mjs", deliver, "worker.mjs", "node");
}

#[track_caller]
fn in_language(language: &str, start: &str, deliver: &str, file: &str, interpreter: &str) {
    let server = Server::builder().listening().start();
    let dir = tempfile::tempdir().unwrap();
    if let Ok(node_dir) = std::env::var("NODE_DIR") {
        std::os::unix::fs::symlink(
            Path::new(&node_dir).join("node_modules"),
            dir.path().join("node_modules"),
        )
        .unwrap();
    }
    fs::write(dir.path().join(file), format!("{deliver}{}", block(language, start))).unwrap();
    let mut worker = Command::new(interpreter);
    worker.arg(file).current_dir(dir.path());
    worker.env("REDIS_URL", format!("redis://127.0.0.1:{}", server.port()));
    works(&server, &dir.path().join("delivered"), &mut worker);
}

#[test]
fn the_four_users_may_do_their_part_and_no_more() {
    let server = Server::start();
    let mut admin = server.client();
    let readme = readme();
    let lines: Vec<&str> = readme.lines().filter(|line| line.starts_with("ACL SETUSER ")).collect();
    assert_eq!(lines.len(), 4);
    for line in lines {
        admin.must(line);
    }
    let may = |admin: &mut Client, call: &str| {
        let users = ["producer", "worker", "operator", "viewer"];
        let allowed = users
            .iter()
            .filter(|user| admin.must(&format!("ACL DRYRUN {user} {call}")) == "+OK");
        allowed.copied().collect::<Vec<_>>().join(" ")
    };
    for (call, users) in [
        ("TASK.SCHEDULE mail x", "producer operator"),
        ("TASK.MSCHEDULE mail 1 x", "producer"),
        ("TASK.CANCEL mail a", "producer operator"),
        ("TASK.RESCHEDULE mail a", "producer operator"),
        ("TASK.GET mail a", "producer operator viewer"),
        ("TASK.CLAIM mail w", "worker"),
        ("TASK.MCLAIM 1 mail w", "worker"),
        ("TASK.ACK mail a 1", "worker"),
        ("TASK.MACK mail 1 a 1", "worker"),
        ("TASK.FAIL mail a 1", "worker"),
        ("TASK.RELEASE mail a 1", "worker"),
        ("TASK.EXTEND mail a 1", "worker"),
        ("TASK.RETRY mail a", "operator"),
        ("TASK.RETRYALL mail", "operator"),
        ("TASK.PURGE mail dead", "operator"),
        ("TASK.DROP mail", "operator"),
        ("TASK.PAUSE mail", "operator"),
        ("TASK.RESUME mail", "operator"),
        ("TASK.CONFIG SET mail lease 5", "operator"),
        ("TASK.CONFIG GET mail", "operator viewer"),
        ("TASK.LIST mail ready", "operator viewer"),
        ("TASK.WORKERS mail", "operator viewer"),
        ("TASK.STATS mail", "operator viewer"),
        ("TASK.QUEUES", "operator viewer"),
        ("TASK.HELP", "operator viewer"),
        ("INFO steward", "operator viewer"),
        ("TASK.SCHEDULE other x", ""),
        ("TASK.CLAIM other w", ""),
        ("TASK.DROP other", ""),
        ("TASK.STATS other", ""),
        ("GET task:{mail}:t:a", ""),
        ("FLUSHALL", ""),
    ] {
        assert_eq!(may(&mut admin, call), users, "{call}");
    }
}

#[test]
fn a_user_without_the_write_category_may_still_schedule_on_servers_without_module_categories() {
    let server = Server::start();
    let mut admin = server.client();
    admin.must("ACL SETUSER reader on nopass resetkeys ~mail +@all -@write");
    let refused = admin.must("ACL DRYRUN reader TASK.SCHEDULE mail x") != "+OK";
    let has_categories = admin
        .call("ACL CAT write")
        .items()
        .iter()
        .any(|name| name.text().eq_ignore_ascii_case("task.schedule"));
    assert_eq!(refused, has_categories);
}

/// `crash::every_accepted_task_...` is `fn every_accepted_task_...` in crash.rs.
#[test]
fn the_tests_it_names_exist() {
    let readme = readme();
    let mut named = 0;
    for word in readme
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(['(', ' ']))
    {
        let (module, name) = word.split_once("::").unwrap();
        let file = format!("{}/tests/server/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("#[test]\nfn {name}()")), "no test {word}");
        named += 1;
    }
    assert!(named > 15);
}
