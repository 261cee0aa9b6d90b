//! Members bound to a connection: they live and die with their process.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::support::{Server, wait_until};

/// A process with a connection of its own as its standard output. Killed when dropped.
struct Process(Child);

impl Process {
    /// Starts a shell with this script.
    fn start(server: &Server, script: &str) -> Process {
        let connection = UnixStream::connect(server.socket()).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(OwnedFd::from(connection));
        Process(command.spawn().unwrap())
    }

    fn kill_9(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_killed_process_is_down_at_once_when_it_was_bound() {
    let server = Server::start();
    let mut client = server.client();
    let script = |words: &str| format!("printf 'PID.REGISTER s %s\\r\\n' \"{words}\"; exec sleep 1000");
    let mut bound = Process::start(&server, &script("bound $$ TTL 0 BIND"));
    let mut unbound = Process::start(&server, &script("unbound $$ TTL 60000"));
    for name in ["bound", "unbound"] {
        assert_eq!(client.call(&format!("PID.AWAIT s {name} UP BLOCK 0")), "1");
    }
    assert_eq!(
        client.call("PID.GET s bound pid connections"),
        format!("[{}, 1]", bound.0.id())
    );
    unbound.kill_9();
    bound.kill_9();
    assert_eq!(client.call("PID.AWAIT s bound DOWN BLOCK 0"), "1");
    assert_eq!(
        client.member("s", "unbound", "state connections"),
        "state 'up', connections 0"
    );
    assert_eq!(client.events("s").last().unwrap(), "down bound reason=disconnect");
}

#[test]
fn a_forked_child_that_keeps_the_connection_keeps_the_member() {
    let server = Server::start();
    let mut client = server.client();
    // The child has the connection too, and ends when our end of the pipe closes.
    let script = "exec 4<&0; cat <&4 & printf 'PID.REGISTER s a %s TTL 0 BIND\\r\\n' $$; exec sleep 1000";
    let mut parent = Process::start(&server, script);
    assert_eq!(client.call("PID.AWAIT s a UP BLOCK 0"), "1");
    let pipe = parent.0.stdin.take();
    parent.kill_9();
    client.let_pass(500);
    assert_eq!(
        client.member("s", "a", "state connections"),
        "state 'up', connections 1"
    );
    drop(pipe);
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(
        client.events("s"),
        ["up a reason=registered", "down a reason=disconnect"]
    );
}

#[test]
fn a_member_with_several_connections_dies_with_the_last() {
    let server = Server::start();
    let mut client = server.client();
    let mut connections: Vec<_> = (0..3).map(|_| server.client()).collect();
    let token = connections[0].register("s a 12 TTL 0 BIND");
    connections[1].register(&format!("s a 12 BIND TOKEN {token}"));
    connections[2].must(&format!("HB.BEAT s a TOKEN {token} BIND"));
    assert_eq!(client.member("s", "a", "connections"), "connections 3");
    // Binding twice on one connection is binding once.
    connections[2].must(&format!("HB.BEAT s a TOKEN {token} BIND"));
    for left in [2, 1] {
        connections.remove(0);
        let expected = format!("state 'up', connections {left}");
        wait_until("it is closed", || {
            client.member("s", "a", "state connections") == expected
        });
    }
    connections.clear();
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(
        client.events("s"),
        ["up a reason=registered", "down a reason=disconnect"]
    );
}

#[test]
fn within_its_grace_a_member_returns_and_keeps_what_it_holds() {
    let server = Server::start();
    let (mut client, mut first) = (server.client(), server.client());
    let token = first.register("s a 12 TTL 60000 BIND GRACE 60000");
    let role = first.campaign(&format!("s a {token}"));
    assert_eq!(role, "leader");
    let epoch = client.epoch("s");
    client.schedule("s x ID t");
    let (_, claim) = first.claim("s a BIND");
    drop(first);
    wait_until("it is gone", || {
        client.member("s", "a", "state connections") == "state 'grace', connections 0"
    });
    let left = client.call("PID.GET s a remaining_ms").int();
    assert!((50_000..=60_000).contains(&left), "{left}");
    assert_eq!(client.leader("s"), format!("a {epoch}"));
    assert_eq!(client.counts("s"), "claimed 1");
    let mut second = server.client();
    let back = second.must(&format!("PID.REGISTER s a 13 BIND GRACE 60000 TOKEN {token}"));
    assert_eq!(
        back,
        format!("{{status: 'resumed', token: {token}, epoch: {epoch}, ttl_ms: 60000, holder: null, retry_ms: null}}")
    );
    assert_eq!(
        client.member("s", "a", "state connections pid"),
        "state 'up', connections 1, pid 13"
    );
    assert_eq!(second.call(&format!("TASK.ACK s t {claim}")), "+OK");
    assert_eq!(
        client.events("s"),
        ["up a reason=registered".to_string(), format!("leader a epoch={epoch}")]
    );
}

#[test]
fn when_its_grace_is_over_a_member_is_down_and_its_claims_are_free() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let token = process.register("s a 12 TTL 0 BIND GRACE 300");
    client.schedule("s x ID t");
    process.claim("s a BIND");
    drop(process);
    wait_until("it is in grace", || client.member("s", "a", "state") == "state 'grace'");
    assert_eq!(client.counts("s"), "claimed 1");
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(
        client.get("s", "t", "state attempt losses"),
        "state 'ready', attempt 1, losses 1"
    );
    assert_eq!(
        client.events("s"),
        ["up a reason=registered", "down a reason=disconnect"]
    );
    let late = client.call(&format!("PID.REGISTER s a 12 BIND TOKEN {token}"));
    assert_eq!(late, "-NOMEMBER no member a in service s");
}

#[test]
fn a_connection_of_an_earlier_member_of_the_name_does_no_harm_when_it_closes() {
    let server = Server::start();
    let mut client = server.client();
    for (end, status) in [
        ("PID.EVICT s a", "'registered'"),
        ("PID.DEREGISTER s a PID 12", "'registered'"),
        ("PING", "'registered'"),
    ] {
        let (mut old, mut new) = (server.client(), server.client());
        old.register("s a 12 HOST h BOOT b1 TTL 0 BIND");
        client.must(end);
        // In the last round the host has rebooted.
        let reply = new.must("PID.REGISTER s a 12 HOST h BOOT b2 TTL 0 BIND");
        assert_eq!(reply.field("status"), status);
        let token = reply.field("token").int();
        drop(old);
        client.let_pass(300);
        assert_eq!(
            client.member("s", "a", "state connections"),
            "state 'up', connections 1",
            "{end}"
        );
        assert_eq!(new.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    }
}

#[test]
fn who_was_replaced_does_no_harm_when_it_binds_and_closes() {
    let server = Server::start();
    let (mut client, mut old, mut new) = (server.client(), server.client(), server.client());
    let token = old.register("s a 12 TTL 0 BIND GRACE 60000");
    drop(old);
    wait_until("it is in grace", || client.member("s", "a", "state") == "state 'grace'");
    assert_eq!(new.must("PID.REGISTER s a 13 TTL 0 BIND").field("status"), "'replaced'");
    let mut old = server.client();
    for words in [
        format!("HB.BEAT s a TOKEN {token} BIND"),
        format!("PID.REGISTER s a 12 BIND TOKEN {token}"),
    ] {
        assert_eq!(old.call(&words).code(), "FENCED");
    }
    drop(old);
    client.let_pass(300);
    assert_eq!(
        client.member("s", "a", "state connections pid"),
        "state 'up', connections 1, pid 13"
    );
}

#[test]
fn after_leaving_the_connection_means_nothing() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let token = process.register("s a 12 TTL 0 BIND");
    assert_eq!(process.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    // The same connection is now bound to another member, and the name belongs to another process.
    process.register("s b 12 TTL 0 BIND");
    client.register("s a 13 TTL 0");
    drop(process);
    assert_eq!(client.call("PID.AWAIT s b DOWN BLOCK 0"), "1");
    assert_eq!(client.members("s"), ["a"]);
}

#[test]
fn binding_in_a_transaction_works_and_in_a_script_is_refused() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    for words in [
        "'PID.REGISTER', KEYS[1], 'a', '1', 'BIND'",
        "'HB.BEAT', KEYS[1], 'a', 'BIND'",
    ] {
        let refused = client.call_args(&["EVAL", &format!("return redis.call({words})"), "1", "s"]);
        assert!(refused.to_string().starts_with("-BADARG BIND"), "{refused}");
    }
    assert_eq!(client.keys(), Vec::<String>::new());
    process.must("MULTI");
    process.must("PID.REGISTER s a 1 TTL 0 BIND");
    process.must("EXEC");
    assert_eq!(client.member("s", "a", "connections"), "connections 1");
    drop(process);
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
}

#[test]
fn one_connection_may_stand_for_members_of_many_services_and_databases() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    for service in ["s", "t", "{app}u"] {
        for member in ["a", "b"] {
            process.register(&format!("{service} {member} 12 TTL 0 BIND"));
        }
    }
    process.must("SELECT 1");
    process.register("s a 12 TTL 0 BIND");
    process.register("s c 12 TTL 0");
    drop(process);
    for service in ["s", "t", "{app}u"] {
        for member in ["a", "b"] {
            assert_eq!(client.call(&format!("PID.AWAIT {service} {member} DOWN BLOCK 0")), "1");
        }
        let events = client.events(service).split_off(2);
        assert_eq!(events, ["down a reason=disconnect", "down b reason=disconnect"]);
    }
    client.must("SELECT 1");
    assert_eq!(client.call("PID.AWAIT s a DOWN BLOCK 0"), "1");
    assert_eq!(client.members("s"), ["c"]);
}

#[test]
fn who_comes_back_without_bind_is_bound_no_more() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let token = process.register("s a 12 TTL 60000 BIND GRACE 70");
    client.register(&format!("s a 12 TOKEN {token}"));
    assert_eq!(client.member("s", "a", "state grace_ms"), "state 'up', grace_ms 0");
    drop(process);
    wait_until("its connection is closed", || {
        client.member("s", "a", "state connections") == "state 'up', connections 0"
    });
}

#[test]
fn a_beat_binds_and_changes_the_grace_only_when_it_is_given() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let token = process.register("s a 12 TTL 0 BIND GRACE 60000");
    let mut beat = |words: &str, expected: &str| {
        process.must(&format!("HB.BEAT s a TOKEN {token} {words}"));
        assert_eq!(client.member("s", "a", "connections grace_ms"), expected, "{words}");
    };
    beat("BIND", "connections 1, grace_ms 60000");
    beat("BIND GRACE 70", "connections 1, grace_ms 70");
    beat("", "connections 1, grace_ms 70");
    beat("BIND GRACE 0", "connections 1, grace_ms 0");
    process.must("HB.BEAT s plain TTL 60000 BIND");
    assert_eq!(client.member("s", "plain", "connections"), "connections 1");
    drop(process);
    for member in ["a", "plain"] {
        assert_eq!(client.call(&format!("PID.AWAIT s {member} DOWN BLOCK 0")), "1");
    }
}
