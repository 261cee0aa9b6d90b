//! Members and leaders over restarts and failovers: every member gets a full TTL to come back.

mod sentinel;

use crate::support::clock::{Clock, HOUR};
use crate::support::service::all_dead;
use crate::support::{Client, Server, unix_ms, wait_until};

const ALL: usize = 2_000;
const TTL: i64 = 1_000;

/// Half of the members come back with their tokens; the others die, not before a full TTL after `begun`.
#[track_caller]
fn half_come_back(client: &mut Client, tokens: &[i64], begun: i64) {
    let back = client.pipeline((0..ALL / 2).map(|n| format!("HB.BEAT s m{n} TOKEN {} TTL 60000", tokens[n])));
    for reply in back {
        assert_eq!(reply.field("role"), "'member'");
    }
    wait_until("the silent are dead", || client.member_count("s") <= ALL as i64 / 2);
    let mut deaths = client.deaths("s");
    deaths.sort();
    assert_eq!(deaths, all_dead(ALL / 2, ALL, "ttl"));
    let first = client.first_death("s").unwrap() - begun;
    // Two clocks in whole milliseconds.
    assert!(first >= TTL - 1, "a full TTL, not {first} ms");
    let (id, token) = (ALL / 2 - 1, tokens[ALL / 2 - 1]);
    assert_eq!(client.beat("s", &format!("m{id}"), token), "member");
}

#[test]
fn nobody_is_declared_dead_before_a_full_ttl_after_a_restart() {
    for how in ["shutdown", "kill -9"] {
        let builder = Server::builder().set("steward.events", "100000");
        let builder = if how == "shutdown" {
            builder
        } else {
            builder.append_always()
        };
        // Stopped until all are there.
        let mut server = builder.set("steward.timer", "no").start();
        let mut client = server.client();
        let tokens = client.register_many("s", ALL, &format!("TTL {TTL}"));
        if how == "shutdown" {
            client.send("SHUTDOWN SAVE");
            server.wait_for_end();
        } else {
            server.kill_9();
        }
        let begun = unix_ms();
        server.start_again(&[("steward.timer", "yes")]);
        let mut client = server.client();
        assert_eq!(client.member_count("s"), ALL as i64, "{how}");
        half_come_back(&mut client, &tokens, begun);
    }
}

#[test]
fn a_replica_declares_nobody_dead_and_a_promoted_one_gives_everybody_a_full_ttl() {
    let builder = Server::builder().set("steward.events", "100000").listening();
    let mut server = builder.clone().set("steward.timer", "no").start();
    let replica = server.replica_with(builder);
    let (mut client, mut there) = (server.client(), replica.client());
    let tokens = client.register_many("s", ALL, &format!("TTL {TTL}"));
    client.register("t silent 1 TTL 100");
    wait_until("the replica has it", || there.digest() == client.digest());
    let (digest, until) = (there.digest(), unix_ms() + 400);
    while unix_ms() < until {
        assert_eq!(there.digest(), digest, "a replica expires nothing");
    }
    assert_eq!(there.members("t"), ["silent"]);
    assert_eq!(there.member("t", "silent", "state idle_ms"), "state 'up', idle_ms null");
    assert_eq!(there.call("HB.BEAT t silent").code(), "READONLY");
    assert_eq!(there.call("HB.CHECK t 1").code(), "READONLY");
    server.kill_9();
    let begun = unix_ms();
    there.must("REPLICAOF NO ONE");
    half_come_back(&mut there, &tokens, begun);
    assert_eq!(there.deaths("t"), ["silent ttl"]);
}

#[test]
fn a_planned_failover_is_nobodys_death() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    let beating = client.register("s beating 1 TTL 2000");
    let leading = client.register("s leading 2 TTL 2000");
    client.must(&format!("HB.CAMPAIGN s leading {leading}"));
    client.must(&format!("HB.CAMPAIGN s beating {beating}"));
    let epoch = client.epoch("s");
    let mut processes = [server.client(), server.client()];
    let bound = processes[0].register("s bound 3 TTL 60000 BIND");
    processes[1].register("s lost 4 TTL 300 BIND GRACE 100");
    client.schedule("s x ID held");
    client.claim("s bound LEASE MEMBER");
    let mut waiting = server.waiter(&format!("HB.CAMPAIGN s beating {beating} BLOCK 0"));
    client.must("FAILOVER");
    wait_until("the replica leads", || there.info("role") == "master");
    wait_until("the old primary follows", || client.info("role") == "slave");
    assert_eq!(waiting.receive().code(), "UNBLOCKED");
    // Their connections to the old primary no longer count.
    drop(processes);
    assert_eq!(there.beat("s", "beating", beating), "candidate");
    // Its epoch holds until its next beat.
    assert_eq!(there.call(&format!("HB.FENCED s {epoch} SET x 1")), "+OK");
    assert_eq!(there.beat("s", "leading", leading), "leader");
    let epoch = there.epoch("s");
    let mut process = replica.client();
    let resumed = process.call(&format!("PID.REGISTER s bound 3 BIND TOKEN {bound}"));
    assert_eq!(resumed.field("status"), "'resumed'");
    assert_eq!(
        there.member("s", "bound", "state connections"),
        "state 'up', connections 1"
    );
    assert_eq!(there.call(&format!("HB.FENCED s {epoch} SET x 1")), "+OK");
    wait_until("who did not come back is dead", || {
        for (member, token, role) in [("beating", beating, "candidate"), ("leading", leading, "leader")] {
            assert_eq!(there.beat("s", member, token), role);
        }
        there.members("s") == ["beating", "bound", "leading"]
    });
    assert_eq!(there.deaths("s"), ["lost ttl"]);
    assert_eq!(
        there.counts("s"),
        "claimed 1",
        "the claim of a bound member that came back is still its own"
    );
    assert_eq!(there.epoch("s"), epoch);
    wait_until("both are the same", || there.digest() == client.digest());
    drop(process);
    wait_until("it is dead", || there.counts("s") == "ready 1");
}

#[test]
fn neither_the_end_of_a_server_nor_its_new_role_is_a_death() {
    let mut server = Server::builder().append_always().listening().start();
    let other = server.replica();
    let (mut client, mut there) = (server.client(), other.client());
    let mut process = server.client();
    let token = process.register("s bound 1 TTL 0 BIND");
    client.register("s plain 2 TTL 0");
    let digest = client.digest();
    client.send("SHUTDOWN");
    server.wait_for_end();
    drop(process);
    server.start_again(&[]);
    let (mut client, mut process) = (server.client(), server.client());
    assert_eq!(client.digest(), digest, "nobody is declared dead on the way");
    let resumed = process.call(&format!("PID.REGISTER s bound 1 BIND TTL 0 TOKEN {token}"));
    assert_eq!(resumed.field("status"), "'resumed'");
    wait_until("the replica is back", || there.info("master_link_status") == "up");
    wait_until("it has it all", || there.digest() == client.digest());
    // Now the server follows its own replica.
    there.must("REPLICAOF NO ONE");
    client.must(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    wait_until("it follows", || client.info("master_link_status") == "up");
    drop(process);
    let until = unix_ms() + 200;
    while unix_ms() < until {
        assert_eq!(client.members("s"), ["bound", "plain"]);
    }
    assert_eq!(there.members("s"), ["bound", "plain"]);
    assert_eq!(there.deaths("s"), Vec::<String>::new());
}

#[test]
fn who_was_bound_has_one_ttl_to_come_back_after_a_restart() {
    let mut server = Server::builder().append_always().set("steward.ttl", "1500").start();
    let mut process = server.client();
    let tokens: Vec<i64> = [
        "a 1 TTL 800 BIND",
        "b 2 TTL 0 BIND GRACE 50",
        "c 3 TTL 0 BIND",
        "d 4 TTL 800 BIND",
    ]
    .map(|words| process.register(&format!("s {words}")))
    .to_vec();
    process.register("s file 5 TTL 0");
    server.kill_9();
    let begun = unix_ms();
    server.start_again(&[]);
    let (mut client, mut process) = (server.client(), server.client());
    assert_eq!(
        client.member("s", "c", "state connections"),
        "state 'grace', connections 0"
    );
    for (member, token) in [("a", tokens[0]), ("b", tokens[1])] {
        let reply = process.must(&format!("HB.BEAT s {member} TOKEN {token} BIND"));
        assert_eq!(reply.field("role"), "'member'");
    }
    let mut seen = Vec::new();
    wait_until("c and d are dead", || {
        process.must(&format!("HB.BEAT s a TOKEN {}", tokens[0]));
        seen = client.members("s");
        seen == ["a", "b", "file"]
    });
    assert!(unix_ms() - begun >= 1_500, "c has the default TTL");
    assert_eq!(client.deaths("s"), ["d ttl", "c disconnect"]);
    assert!(client.first_death("s").unwrap() - begun >= 800);
    assert_eq!(
        client.member("s", "b", "state connections"),
        "state 'up', connections 1"
    );
    drop(process);
    wait_until("their connection was all they had", || client.members("s") == ["file"]);
}

/// A member of the service that leads, by campaigning: its token and its epoch.
#[track_caller]
fn leads(client: &mut Client) -> (i64, i64) {
    let member = format!("m{}", unix_ms());
    let token = client.register(&format!("s {member} 1 TTL 60000"));
    let reply = client.must(&format!("HB.CAMPAIGN s {member} {token} BLOCK 20000"));
    assert_eq!(reply.field("role"), "'leader'");
    (token, reply.field("epoch").int())
}

/// Like `leads`, after the previous leader was removed.
#[track_caller]
fn next(client: &mut Client, last: &mut (i64, i64), after: &str) {
    for member in client.members("s") {
        client.must(&format!("PID.EVICT s {member}"));
    }
    let now = leads(client);
    assert!(
        now.0 > last.0 && now.1 > last.1,
        "after {after}: {now:?} is no more than {last:?}"
    );
    *last = now;
}

#[test]
fn epochs_and_tokens_grow_over_everything_that_can_happen_to_the_data() {
    let clock = Clock::new();
    let builder = clock.server().set("steward.reclaim-window", "0").listening();
    let mut server = builder.clone().set("dbfilename", "d.rdb").start();
    let mut client = server.client();
    let mut last = leads(&mut client);
    client.save();
    let old = std::fs::read(server.dir().join("d.rdb")).unwrap();
    next(&mut client, &mut last, "an eviction");
    client.must("DEL proc:{s}");
    next(&mut client, &mut last, "DEL of the service");
    client.must("DEL proc:{s} proc:{s}:members proc:{s}:candidates");
    next(&mut client, &mut last, "DEL of all its keys");
    client.must("FLUSHALL");
    next(&mut client, &mut last, "FLUSHALL");
    client.save();
    server.kill_9();
    // The clock has gone back meanwhile: what is stored decides.
    clock.step(-HOUR);
    server.start_again(&[]);
    let mut client = server.client();
    next(&mut client, &mut last, "a restart with the clock gone back");
    clock.step(0);
    let replica = server.replica_with(builder);
    let mut there = replica.client();
    wait_until("it is in step", || there.digest() == client.digest());
    client.must("FAILOVER");
    wait_until("the replica leads", || there.info("role") == "master");
    next(&mut there, &mut last, "a failover");
    server.kill_9();
    std::fs::write(server.dir().join("d.rdb"), old).unwrap();
    server.start_again(&[]);
    next(&mut server.client(), &mut last, "an older snapshot");
}
