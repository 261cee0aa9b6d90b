//! What docs/guides/clients.md says of the clients that are here: which send a command again, and how they do not.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::programs::{interpreted_at, program};
use crate::support::{Document, Proxy, Server, node_modules, python, wait_until};

/// How many tasks the program makes with one SCHEDULE whose reply is lost.
fn made(program: impl FnOnce(u16) -> Command) -> i64 {
    let server = Server::builder().listening().start();
    let proxy = Proxy::to(server.port());
    proxy.lose("TASK.SCHEDULE", "1");
    let mut program = program(proxy.port());
    let _ = program.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(proxy.has_lost());
    server.client().stat("mail", "ready_tasks")
}

fn python_with(options: &str) -> i64 {
    let script = format!(
        "import sys, redis\nfrom redis.backoff import NoBackoff\nfrom redis.retry import Retry\n\
         server = redis.Redis(port=int(sys.argv[1]), {options})\nserver.execute_command('TASK.SCHEDULE', 'mail', 'x')"
    );
    made(|port| {
        let mut command = Command::new(python());
        command.args(["-c", &script, &port.to_string()]);
        command
    })
}

fn node_with(options: &str) -> i64 {
    let script = format!(
        "const Redis = require('ioredis');\nconst server = new Redis({{ port: +process.argv[1], {options} }});\n\
         server.on('error', () => {{}});\nserver.call('TASK.SCHEDULE', 'mail', 'x').finally(() => server.disconnect());"
    );
    let dir = tempfile::tempdir().unwrap();
    symlink(node_modules(), dir.path().join("node_modules")).unwrap();
    made(|port| {
        let mut command = Command::new("node");
        command.args(["-e", &script, &port.to_string()]).current_dir(dir.path());
        command
    })
}

#[test]
fn a_lost_reply_makes_two_tasks_unless_the_client_is_told_not_to_send_again() {
    let page = Document::read("docs/guides/clients.md");
    for cure in ["retry=Retry(NoBackoff(), 0)", "maxRetriesPerRequest: 0"] {
        assert!(page.text().contains(cure));
    }
    assert_eq!(python_with(""), 2);
    assert_eq!(python_with("retry=Retry(NoBackoff(), 0)"), 1);
    assert_eq!(node_with(""), 2);
    assert_eq!(node_with("maxRetriesPerRequest: 0"), 1);
}

#[test]
fn the_time_out_of_redis_py_is_that_of_the_table() {
    let script = "import redis; print(redis.Redis().get_connection_kwargs()['socket_timeout'])";
    let output = Command::new(python()).args(["-c", script]).output().unwrap();
    let seconds = String::from_utf8(output.stdout).unwrap();
    let page = Document::read("docs/guides/clients.md");
    let row = page
        .text()
        .lines()
        .find(|line| line.starts_with("| redis-py "))
        .unwrap();
    assert!(
        row.contains(&format!("| {} s: `socket_timeout=10` |", seconds.trim())),
        "{seconds} {row}"
    );
}

#[test]
fn the_producer_sends_its_task_once_whatever_is_lost() {
    let server = Server::builder().listening().start();
    let proxy = Proxy::to(server.port());
    let dir = tempfile::tempdir().unwrap();
    let text = program("guides/deduplication", "python", "# producer.py");
    std::fs::write(dir.path().join("producer.py"), text).unwrap();
    let mut client = server.client();
    let address = format!("127.0.0.1:{}", proxy.port());
    let produce = || {
        let mut producer = interpreted_at(&address, dir.path(), &python(), "producer.py");
        producer.args(["hello-7", "to ann: hello"]).status().unwrap().success()
    };
    proxy.lose("TASK.SCHEDULE", "hello-7");
    assert!(produce());
    assert!(proxy.has_lost());
    let (_, token) = client.claim("mail w");
    client.must(&format!("TASK.ACK mail hello-7 {token}"));
    assert!(produce());
    wait_until("it was made once and is done", || client.counts("mail") == "done 1");
    assert_eq!(client.stat("mail", "acked_total"), 1);
}
