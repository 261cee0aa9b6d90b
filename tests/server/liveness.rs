//! Who is alive: TTLs, and what stalls, freezes and clock steps make of them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::clock::{Clock, HOUR, assert_shows};
use crate::support::service::all_dead;
use crate::support::{Client, Server, Value, unix_ms, wait_until};

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
    assert!(unix_ms() - start >= 300, "not before its TTL");
    assert_eq!(client.call("PID.GET s silent"), "null");
    assert_eq!(client.deaths("s"), ["silent ttl"]);
    assert_eq!(client.call("PID.AWAIT s beating DOWN BLOCK 20000"), "1");
    assert_eq!(client.deaths("s"), ["silent ttl", "beating ttl"]);
    assert_eq!(client.beat("s", "beating", token), "NOMEMBER");
    assert_eq!(client.call("EXISTS proc:{s}:members"), "0");
}

/// A process that sends the lines it is given and tells the replies.
struct Process {
    child: Child,
    replies: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(server: &Server) -> Process {
        let mut child = Command::new(crate::readme::cli())
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
    assert_eq!(process.line(), "NOMEMBER no such member");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(process.line(), "FENCED epoch=0 leader=");
    assert_eq!(
        process.line(),
        "STALE the claim was lost: the task is now claimed again"
    );
    assert_eq!(client.call("EXISTS late"), "0");
    assert_eq!(client.get("s", "held", "attempt lost"), "attempt 2, lost 1");
}

#[test]
fn whose_beats_queued_up_while_the_server_stood_still_lives_and_the_silent_die() {
    const ALL: usize = 2_000;
    let server = Server::builder()
        .set("steward.events", "100000")
        .set("steward.timer", "no")
        .start();
    let mut client = server.client();
    let tokens = client.register_many("s", ALL, "TTL 500");
    client.must("CONFIG SET steward.timer yes");
    let mut sleeper = server.client();
    // Everybody has beaten when the server falls asleep for four TTLs.
    let beats = client.pipeline((0..ALL).map(|n| format!("HB.BEAT s m{n} TOKEN {}", tokens[n])));
    assert!(!beats.iter().any(Value::is_error));
    sleeper.send("DEBUG SLEEP 2");
    let mut processes: Vec<Client> = (0..20).map(|_| Client::connect(&server.socket()).unwrap()).collect();
    for n in 0..ALL / 2 {
        processes[n % 20].send(&format!("HB.BEAT s m{n} TOKEN {} TTL 60000", tokens[n]));
    }
    for n in 0..ALL / 2 {
        let reply = processes[n % 20].receive();
        assert!(!reply.is_error(), "m{n} was alive: {reply}");
    }
    assert_eq!(sleeper.receive(), "+OK");
    wait_until("the silent are dead", || client.member_count("s") == ALL as i64 / 2);
    let mut deaths = client.deaths("s");
    deaths.sort();
    assert_eq!(deaths, all_dead(ALL / 2, ALL, "ttl"));
    assert_ne!(client.info("steward_stalls"), "0");
    assert_eq!(client.info("steward_members_lost_total"), (ALL / 2).to_string());
}

#[test]
fn small_stalls_again_and_again_do_not_keep_the_dead_alive() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s silent 1 TTL 300");
    let token = client.register("s beating 2 TTL 60000");
    let start = unix_ms();
    wait_until("the silent one is dead", || {
        client.must("DEBUG SLEEP 0.2");
        client.members("s") == ["beating"]
    });
    let took = unix_ms() - start;
    assert!((300..14_000).contains(&took), "{took}");
    assert_eq!(client.beat("s", "beating", token), "member");
    assert_eq!(client.deaths("s"), ["silent ttl"]);
}

/// A way to refuse writes, and to allow them again.
const FREEZES: [(&str, &str); 2] = [
    ("CLIENT PAUSE 60000 WRITE", "CLIENT UNPAUSE"),
    (
        "CONFIG SET min-replicas-to-write 1",
        "CONFIG SET min-replicas-to-write 0",
    ),
];

#[test]
fn a_freeze_of_more_than_ten_seconds_kills_nobody_who_beats_right_after_it() {
    let servers = FREEZES.map(|_| Server::builder().set("appendonly", "yes").listening().start());
    let mut clients = [servers[0].client(), servers[1].client()];
    let (mut tokens, mut claims) = (Vec::new(), Vec::new());
    for (client, (freeze, _)) in clients.iter_mut().zip(FREEZES) {
        client.schedule("other x DELAY 1000");
        let mut token = |member: &str| client.register(&format!("s {member} 1 TTL 500"));
        tokens.push(["a", "b", "c"].map(&mut token));
        client.schedule("leased x ID held");
        claims.push(client.claim("leased w LEASE 500").1);
        client.must(freeze);
    }
    let thawed = unix_ms() + 11_000;
    wait_until("time has passed", || unix_ms() > thawed);
    for (at, (client, (_, thaw))) in clients.iter_mut().zip(FREEZES).enumerate() {
        assert_eq!(client.member_count("s"), 3, "nobody dies while writes are refused");
        client.must(thaw);
        // The timer is at work again.
        wait_until("what is due is ready", || client.counts("other") == "ready 1");
        assert!(client.must(&format!("TASK.EXTEND leased held {}", claims[at])).int() > 0);
        for (member, token) in ["a", "b", "c"].into_iter().zip(tokens[at]) {
            assert_eq!(client.beat("s", member, token), "member", "{thaw}");
            client.must(&format!("HB.BEAT s {member} TOKEN {token} TTL 60000"));
        }
        assert_eq!(client.deaths("s"), Vec::<String>::new());
    }
}

#[test]
fn all_of_a_freeze_is_added_even_what_came_before_the_first_deadline() {
    let servers = FREEZES.map(|_| Server::builder().set("appendonly", "yes").listening().start());
    let mut clients = [servers[0].client(), servers[1].client()];
    let mut given = Vec::new();
    for (client, (freeze, _)) in clients.iter_mut().zip(FREEZES) {
        client.schedule("leased x ID held");
        client.schedule("other x DELAY 50");
        given.push((client.claim("leased w LEASE 900").1, client.register("s a 1 TTL 900")));
        wait_until("the timer has nothing to do", || client.counts("other") == "ready 1");
        client.must(freeze);
    }
    let thawed = unix_ms() + 1_100;
    wait_until("time has passed", || unix_ms() > thawed);
    for (client, (_, thaw)) in clients.iter_mut().zip(FREEZES) {
        client.must(thaw);
    }
    wait_until("time has passed", || unix_ms() > thawed + 500);
    for (client, (claim, token)) in clients.iter_mut().zip(given) {
        assert!(client.must(&format!("TASK.EXTEND leased held {claim}")).int() > 0);
        assert_eq!(client.beat("s", "a", token), "member");
    }
}

#[test]
fn a_freeze_longer_than_the_ttl_kills_nobody_whose_beat_was_held_up_by_it() {
    let server = Server::builder().set("appendonly", "yes").start();
    let mut client = server.client();
    let token = client.register("s held-up 1 TTL 200");
    client.register("s silent 2 TTL 200");
    client.schedule("other x DELAY 100");
    client.must("CLIENT PAUSE 700 WRITE");
    let mut process = server.client();
    process.send(&format!("HB.BEAT s held-up TOKEN {token} TTL 60000"));
    assert_eq!(process.receive().field("role"), "'member'");
    wait_until("the silent one is dead", || client.members("s") == ["held-up"]);
    assert_eq!(client.deaths("s"), ["silent ttl"]);
}

#[test]
fn a_bound_connection_that_closes_in_a_freeze_is_dealt_with_after_it() {
    for (freeze, thaw) in FREEZES {
        let server = Server::builder().set("appendonly", "yes").listening().start();
        let (mut client, mut process) = (server.client(), server.client());
        client.schedule("s x ID held");
        process.register("s bound 1 TTL 0 BIND");
        client.register("s other 2 TTL 0");
        process.claim("s bound LEASE 600000 BIND");
        client.must(freeze);
        let digest = client.digest();
        let id = process.id();
        drop(process);
        wait_until("the server knows", || {
            !client.must("CLIENT LIST").text().contains(&format!("id={id} "))
        });
        let until = unix_ms() + 300;
        while unix_ms() < until {
            assert_eq!(client.digest(), digest, "{freeze}");
        }
        client.must(thaw);
        wait_until("it is dead", || client.members("s") == ["other"]);
        assert_eq!(client.deaths("s"), ["bound disconnect"]);
        assert_eq!(
            client.get("s", "held", "state attempt lost"),
            "state 'ready', attempt 1, lost 1"
        );
    }
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
        let left = client.call("PID.GET s long left").int();
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
