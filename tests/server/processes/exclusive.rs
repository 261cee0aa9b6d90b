//! PID.REGISTER ... EXCLUSIVE: one holder of a service, as with a pid file.

use crate::support::{Client, Server, Value, wait_until};

/// The reply while `a`, with pid 12 on host h, is the holder.
#[track_caller]
fn held(client: &mut Client, words: &str) {
    let epoch = client.epoch("s");
    let reply = client.call(words);
    let left = reply.field("retry_ms").int();
    assert!((50_000..=60_000).contains(&left), "{reply}");
    assert_eq!(
        reply,
        format!(
            "{{status: 'held', token: null, epoch: {epoch}, ttl_ms: null, \
             holder: {{member: 'a', pid: 12, host: 'h', remaining_ms: {left}}}, retry_ms: {left}}}"
        )
    );
}

const HOLD: &str = "PID.REGISTER s a 12 HOST h TTL 60000 EXCLUSIVE";

#[test]
fn the_first_one_holds_the_service_and_others_are_told_who_does() {
    let server = Server::start();
    let mut client = server.client();
    let reply = client.call(HOLD);
    let (token, epoch) = (reply.field("token").int(), reply.field("epoch").int());
    assert_eq!(
        reply,
        format!(
            "{{status: 'registered', token: {token}, epoch: {epoch}, ttl_ms: 60000, holder: null, retry_ms: null}}"
        )
    );
    assert_eq!(client.leader("s"), format!("a {epoch}"));
    let digest = client.digest();
    held(&mut client, "PID.REGISTER s b 13 HOST h EXCLUSIVE");
    held(&mut client, "PID.REGISTER s a 14 HOST h EXCLUSIVE");
    assert_eq!(client.digest(), digest, "who is held is not registered");
    let again = client.call(&format!("{HOLD} TOKEN {token}"));
    assert_eq!(
        again,
        format!("{{status: 'resumed', token: {token}, epoch: {epoch}, ttl_ms: 60000, holder: null, retry_ms: null}}")
    );
    // A plain member may register beside it.
    let other = client.register("s b 13");
    let digest = client.digest();
    held(&mut client, &format!("PID.REGISTER s b 99 EXCLUSIVE TOKEN {other}"));
    assert_eq!(client.digest(), digest, "nor does it resume");
}

#[test]
fn a_holder_that_has_gone_makes_room_with_a_larger_epoch() {
    let server = Server::start();
    let mut client = server.client();
    let mut last = 0;
    for end in [
        "PID.EVICT s a",
        "PID.DEREGISTER s a PID 12",
        "PID.AWAIT s a DOWN BLOCK 0",
    ] {
        let short = if end.contains("AWAIT") {
            HOLD.replace("60000", "100")
        } else {
            HOLD.into()
        };
        let epoch = client.must(&short).field("epoch").int();
        assert!(epoch > last, "{epoch} after {last}");
        last = epoch;
        assert_eq!(client.call(end), "1", "{end}");
        assert_eq!(client.leader("s"), "nobody", "{end}");
    }
}

#[test]
fn waiting_holders_follow_one_by_one_in_the_order_they_came() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.must(HOLD).field("token").int();
    let mut first = server.waiter("PID.REGISTER s b 13 HOST h TTL 60000 EXCLUSIVE BLOCK 0");
    let mut second = server.waiter("PID.REGISTER s c 14 HOST h TTL 60000 EXCLUSIVE BLOCK 0");
    assert_eq!(client.members("s"), ["a"], "who waits is not registered");
    assert_eq!(client.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    let reply = first.receive();
    let (token, epoch) = (reply.field("token").int(), reply.field("epoch").int());
    assert_eq!(
        reply,
        format!(
            "{{status: 'registered', token: {token}, epoch: {epoch}, ttl_ms: 60000, holder: null, retry_ms: null}}"
        )
    );
    assert_eq!(client.leader("s"), format!("b {epoch}"));
    assert_eq!(client.members("s"), ["b"]);
    assert!(second.is_silent());
    client.must(&format!("HB.RESIGN s b {token}"));
    let reply = second.receive();
    assert_eq!(client.leader("s"), format!("c {}", reply.field("epoch").int()));
    assert!(reply.field("epoch").int() > epoch);
    assert_eq!(client.members("s"), ["b", "c"]);
}

#[test]
fn a_wait_without_a_holder_is_none() {
    let server = Server::start();
    let mut client = server.client();
    let reply = client.call("PID.REGISTER s b 13 EXCLUSIVE BLOCK 0");
    assert_eq!(reply.field("status"), "'registered'");
    assert_eq!(client.leader("s"), format!("b {}", reply.field("epoch").int()));
}

#[test]
fn a_wait_that_ran_out_is_null_and_leaves_nothing_behind() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.must(HOLD);
    let digest = client.digest();
    let wait = "PID.REGISTER s b 13 EXCLUSIVE BLOCK 20";
    assert_eq!(client.call(wait), Value::Null);
    assert_eq!(two.call(wait), Value::NullArray);
    assert_eq!(client.digest(), digest);
    client.must("PID.EVICT s a");
    assert_eq!(client.leader("s"), "nobody");
}

#[test]
fn a_waiting_holder_that_went_away_is_passed_over() {
    let server = Server::start();
    let mut client = server.client();
    client.must(HOLD);
    let gone = server.waiter("PID.REGISTER s b 13 EXCLUSIVE BLOCK 0");
    let mut next = server.waiter("PID.REGISTER s c 14 EXCLUSIVE BLOCK 0");
    drop(gone);
    wait_until("it has left", || client.blocked_clients() == 1);
    client.must("PID.EVICT s a");
    let epoch = next.receive().field("epoch").int();
    assert_eq!(client.leader("s"), format!("c {epoch}"));
    assert_eq!(client.members("s"), ["c"]);
}

#[test]
fn a_waiting_candidate_with_priority_goes_first() {
    let server = Server::start();
    let mut client = server.client();
    client.must(HOLD);
    let mut waiting = server.waiter("PID.REGISTER s b 13 EXCLUSIVE BLOCK 0");
    let token = client.register("s c 14");
    assert_eq!(client.campaign(&format!("s c {token} PRIORITY 1")), "candidate");
    client.must("PID.EVICT s a");
    assert!(client.leader("s").starts_with("c "));
    assert!(waiting.is_silent());
    client.must("PID.EVICT s c");
    assert_eq!(waiting.receive().field("status"), "'registered'");
    assert!(client.leader("s").starts_with("b "));
}

#[test]
fn a_bound_holder_that_waited_dies_with_its_connection() {
    let server = Server::start();
    let mut client = server.client();
    client.must(HOLD);
    let mut waiting = server.waiter("PID.REGISTER s b 13 TTL 0 BIND EXCLUSIVE BLOCK 0");
    client.must("PID.EVICT s a");
    assert_eq!(waiting.receive().field("status"), "'registered'");
    assert_eq!(
        client.member("s", "b", "role connections"),
        "role 'leader', connections 1"
    );
    drop(waiting);
    wait_until("nobody leads", || client.leader("s") == "nobody");
    assert_eq!(client.members("s"), Vec::<String>::new());
}

#[test]
fn nobody_waits_in_a_transaction_or_a_script() {
    let server = Server::start();
    let mut client = server.client();
    client.must(HOLD);
    let wait = "PID.REGISTER s b 13 EXCLUSIVE BLOCK 0";
    client.must("MULTI");
    client.must(wait);
    assert_eq!(client.call("EXEC").item(0).field("status"), "'held'");
    let script = "return redis.call('PID.REGISTER', KEYS[1], 'b', '13', 'EXCLUSIVE', 'BLOCK', '0')[2]";
    assert_eq!(client.call_args(&["EVAL", script, "1", "s"]), "'held'");
    assert_eq!(client.members("s"), ["a"]);
}

#[test]
fn the_reclaim_window_bounds_the_ttl_of_a_holder() {
    let server = Server::builder().set("steward.reclaim-window", "20000").start();
    let mut client = server.client();
    let token = client.register("s b 13 TTL 20001");
    let digest = client.digest();
    for words in [
        "PID.REGISTER s a 12 TTL 20001 EXCLUSIVE".to_string(),
        "PID.REGISTER s a 12 TTL 20001 EXCLUSIVE BLOCK 10".to_string(),
        "HB.BEAT s a TTL 20001 CAMPAIGN".to_string(),
        format!("HB.CAMPAIGN s b {token}"),
        format!("HB.BEAT s b TOKEN {token} CAMPAIGN"),
    ] {
        assert_eq!(client.call(&words).code(), "BADARG", "{words}");
    }
    assert_eq!(client.digest(), digest);
    client.must("PID.REGISTER s a 12 TTL 20000 EXCLUSIVE");
    client.must("PID.REGISTER other a 12 TTL 0 EXCLUSIVE");
    client.must("CONFIG SET steward.reclaim-window 0");
    assert_eq!(client.campaign(&format!("s b {token}")), "candidate");
}

#[test]
fn who_leads_may_not_take_a_ttl_beyond_the_reclaim_window_when_it_comes_back() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.must(HOLD).field("token").int();
    let plain = client.register("s b 13 TTL 86400000");
    let digest = client.digest();
    for words in [
        format!("PID.REGISTER s a 12 TTL 86400000 TOKEN {token}"),
        format!("PID.REGISTER s a 12 TTL 60001 EXCLUSIVE TOKEN {token}"),
        format!("HB.BEAT s a TTL 60001 TOKEN {token}"),
        format!("PID.REGISTER s b 13 EXCLUSIVE TOKEN {plain}"),
    ] {
        assert_eq!(client.call(&words).code(), "BADARG", "{words}");
    }
    assert_eq!(client.digest(), digest);
    client.must("PID.EVICT s a");
    let late = client.call(&format!("PID.REGISTER s b 13 EXCLUSIVE TOKEN {plain}"));
    assert_eq!(late.code(), "BADARG", "its own TTL counts when none is given");
    assert_eq!(client.leader("s"), "nobody");
}

#[test]
fn a_holder_whose_data_is_gone_makes_room() {
    let server = Server::start();
    let mut client = server.client();
    for end in [
        "FLUSHALL",
        "DEL proc:{s}:members",
        "HDEL proc:{s}:members a",
        "HDEL proc:{s} leader",
    ] {
        client.must(HOLD);
        let mut waiting = server.waiter("PID.REGISTER s b 13 TTL 60000 EXCLUSIVE BLOCK 0");
        client.must(end);
        assert_eq!(waiting.receive().field("status"), "'registered'", "{end}");
        assert!(client.leader("s").starts_with("b "), "{end}");
        client.must("FLUSHALL");
        wait_until("the flush is noticed", || client.leader("s") == "nobody");
    }
}

#[test]
fn a_waiting_holder_whose_name_is_taken_is_told_when_its_turn_comes() {
    let server = Server::start();
    let mut client = server.client();
    client.must(HOLD);
    client.register("s b 13 HOST h TTL 60000");
    let mut waiting = server.waiter("PID.REGISTER s b 14 EXCLUSIVE BLOCK 0");
    let mut next = server.waiter("PID.REGISTER s c 15 EXCLUSIVE BLOCK 0");
    client.must("PID.EVICT s a");
    let reply = waiting.receive();
    let shown = (reply.field("status").text(), reply.field("holder").field("pid").int());
    assert_eq!(shown, ("held".to_string(), 13));
    assert_eq!(next.receive().field("status"), "'registered'");
    assert!(client.leader("s").starts_with("c "));
}
