//! Liveness: TTLs, a process that was stopped, steps of the clock.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::clock::{Clock, HOUR, assert_shows};
use crate::support::folder::cli;
use crate::support::{Server, unix_ms, wait_until};

#[test]
fn a_ttl_that_passes_without_a_sign_of_life_ends_the_member() {
    let server = Server::start();
    let mut client = server.client();
    let start = unix_ms();
    client.register("s silent 1 TTL 300");
    let token = client.register("s beating 2 TTL 300");
    wait_until("the silent one is gone", || {
        assert_eq!(client.beat("s", "beating", token), "member");
        client.members("s") == ["beating"]
    });
    // Two clocks in whole milliseconds.
    assert!(unix_ms() - start >= 300 - 1, "not before its TTL");
    assert_eq!(client.call("PID.GET s silent"), "null");
    assert_eq!(client.deaths("s"), ["silent ttl"]);
    assert_eq!(client.call("PID.AWAIT s beating DOWN BLOCK 20000"), "1");
    assert_eq!(client.deaths("s"), ["silent ttl", "beating ttl"]);
    assert_eq!(client.beat("s", "beating", token), "NOMEMBER");
    assert_eq!(client.call("EXISTS proc:{s}:members"), "0");
}

/// A process that sends the lines it is given and prints the replies.
struct Process {
    child: Child,
    replies: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(server: &Server) -> Process {
        let mut child = Command::new(cli())
            .args(["-s", &server.socket().display().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a command line client");
        let replies = BufReader::new(child.stdout.take().unwrap());
        Process { child, replies }
    }
    fn say(&mut self, words: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{words}").unwrap();
    }
    /// The next line that is not empty.
    fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.replies.read_line(&mut line).unwrap(), 0, "the process goes on");
            if !line.trim().is_empty() {
                return line.trim().into();
            }
        }
    }
    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a plain system call on a child that has not been waited for.
        #[allow(unsafe_code)]
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_process_that_was_stopped_for_three_ttls_can_do_no_harm_when_it_goes_on() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("s x ID held");
    let mut process = Process::start(&server);
    let (gone, replaced) = (
        client.register("s gone 1 TTL 200"),
        client.register("s replaced 2 TTL 200"),
    );
    client.must(&format!("HB.CAMPAIGN s gone {gone}"));
    let epoch = client.epoch("s");
    let (_, claim) = client.claim("s gone LEASE MEMBER");
    process.say(&format!("HB.CHECK s {epoch}"));
    assert_eq!(process.line(), "OK");
    process.signal(libc::SIGSTOP);
    let stopped = unix_ms();
    process.say(&format!("HB.BEAT s gone TOKEN {gone}"));
    process.say(&format!("HB.BEAT s replaced TOKEN {replaced}"));
    process.say(&format!("HB.CHECK s {epoch}"));
    process.say(&format!("HB.FENCED s {epoch} SET late 1"));
    process.say(&format!("TASK.ACK s held {claim}"));
    wait_until("both are dead", || client.member_count("s") == 0);
    wait_until("three TTLs have passed", || unix_ms() - stopped > 600);
    client.register("s replaced 3 TTL 60000");
    client.claim("s replaced LEASE MEMBER");
    process.signal(libc::SIGCONT);
    assert_eq!(process.line(), "NOMEMBER no member gone in service s");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(
        process.line(),
        "STALE this token holds no claim: the task is now claimed with another token"
    );
    assert_eq!(client.call("EXISTS late"), "0");
    assert_eq!(client.get("s", "held", "attempt losses"), "attempt 2, losses 1");
}

#[test]
fn a_step_of_the_system_clock_kills_nobody_and_freezes_nothing() {
    for step in [HOUR, -HOUR] {
        let clock = Clock::new();
        let server = clock.server().start();
        let mut client = server.client();
        let token = client.register("s long 1 TTL 60000");
        client.must(&format!("HB.CAMPAIGN s long {token}"));
        let epoch = client.epoch("s");
        let next = client.register("s next 2 TTL 60000");
        client.must(&format!("HB.CAMPAIGN s next {next}"));
        clock.step(step);
        assert_shows(&mut client, step);
        client.register("s short 3 TTL 300");
        assert_eq!(client.call("PID.AWAIT s short DOWN BLOCK 20000"), "1");
        assert_eq!(client.members("s"), ["long", "next"]);
        assert_eq!(client.deaths("s"), ["short ttl"]);
        let left = client.call("PID.GET s long remaining_ms").int();
        assert!((30_000..=60_000).contains(&left), "{step}: {left}");
        assert_eq!(client.beat("s", "long", token), "leader");
        assert_eq!(client.call(&format!("HB.RESIGN s long {token}")), "'next'");
        assert!(client.epoch("s") > epoch, "epochs grow, whatever the clock says");
        clock.step(0);
        assert_shows(&mut client, 0);
        client.register("s short 3 TTL 300");
        assert_eq!(client.call("PID.AWAIT s short DOWN BLOCK 20000"), "1");
        assert_eq!(client.deaths("s"), ["short ttl", "short ttl"]);
    }
}
