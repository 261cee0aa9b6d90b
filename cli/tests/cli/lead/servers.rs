//! What happens to the server: a restart, a connection that is closed, an eviction.

use crate::support::{Proxy, Server, Stage, wait_until};

#[test]
fn a_program_runs_on_over_a_restart_of_the_server() {
    let mut server = Server::start();
    let stage = Stage::new();
    let mut lead = stage.lead("a", &server.url(), &[], "exec sleep 600");
    let mut next = stage.lead("b", &server.url(), &[], "exec sleep 600");
    stage.wait_for_start(1);
    server.wait_for_members("web", 2);
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    for _ in 0..2 {
        let leader: Vec<String> = server.call("HB.LEADER web");
        server.kill();
        server.start_again();
        let bound = |member: &String| server.call::<Option<u32>>(&format!("PID.GET web {member} connections"));
        wait_until("both are back", || {
            let members = server.members("web");
            members.len() == 2 && members.iter().all(|member| bound(member) >= Some(1))
        });
        let now: Vec<String> = server.call("HB.LEADER web");
        assert_eq!(now[1], leader[1]);
    }
    assert!(!lead.has_ended() && !next.has_ended());
    assert_eq!(stage.starts().len(), 1);
}

#[test]
fn a_connection_that_is_closed_is_replaced() {
    let server = Server::start();
    let stage = Stage::new();
    let mut lead = stage.lead("a", &server.url(), &["--member", "a"], "exec sleep 600");
    stage.wait_for_start(1);
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    for _ in 0..5 {
        let _: i32 = server.call("CLIENT KILL TYPE normal SKIPME yes");
        wait_until("it is back", || {
            server.call::<Option<u32>>("PID.GET web a connections") == Some(1)
        });
    }
    assert!(!lead.has_ended());
    assert_eq!(stage.starts().len(), 1);
}

#[test]
fn a_lost_reply_to_any_command_changes_nothing() {
    let server = Server::start();
    // What is sent before the program starts, while it runs, and when it has ended.
    for (word, is_early) in [
        ("PID.REGISTER", true),
        ("HB.CAMPAIGN", true),
        ("HB.BEAT", true),
        ("HB.BEAT", false),
        ("PID.AWAIT", false),
        ("PID.DEREGISTER", false),
    ] {
        let network = Proxy::to(server.port);
        let stage = Stage::new();
        if is_early {
            network.lose_reply(word);
        }
        let mut lead = stage.lead("a", &network.url(), &["--member", "a", "--ttl", "3s"], "exec sleep 600");
        stage.wait_for_start(1);
        wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
        if !is_early && word != "PID.DEREGISTER" {
            network.lose_reply(word);
            wait_until("it is lost", || network.has_lost());
            wait_until("it is back", || {
                server.call::<Option<u32>>("PID.GET web a connections") == Some(1)
            });
        }
        assert!(!lead.has_ended() && (!is_early || network.has_lost()), "{word}");
        if word == "PID.DEREGISTER" {
            network.lose_reply(word);
        }
        lead.signal(rustix::process::Signal::TERM);
        assert_eq!(lead.end(), (Some(143), String::new()), "{word}");
        assert!(server.members("web").is_empty(), "{word}");
        assert_eq!(stage.starts().len(), 1, "{word}");
    }
}

#[test]
fn when_the_server_cannot_be_reached_after_a_closed_connection_the_program_ends_within_the_grace() {
    let server = Server::start();
    let network = Proxy::to(server.port);
    let stage = Stage::new();
    let mut lead = stage.lead("a", &network.url(), &["--ttl", "60s"], "exec sleep 600");
    stage.wait_for_start(1);
    let _next = stage.lead("b", &server.url(), &["--ttl", "60s"], "exec sleep 600");
    server.wait_for_members("web", 2);
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    network.lead_nowhere();
    let _: i32 = server.call("CLIENT KILL TYPE normal SKIPME yes");
    assert_eq!(stage.wait_for_start(2).name, "b");
    network.mend();
    assert_eq!(lead.wait().code(), Some(75));
    assert_eq!(stage.overlaps(), 0);
}

#[test]
fn one_that_is_evicted_ends_its_program_at_once() {
    let server = Server::start();
    let stage = Stage::new();
    let mut lead = stage.lead(
        "a",
        &server.url(),
        &["--member", "a", "--ttl", "60s"],
        "trap '' TERM; while :; do sleep 0.1; done",
    );
    stage.wait_for_start(1);
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    assert_eq!(server.call::<i32>("PID.EVICT web a"), 1);
    let (code, said) = lead.end();
    assert_eq!(code, Some(75));
    assert!(said.contains("lost the lead of web"), "{said}");
    lead.wait_until_nothing_is_left();
}
