//! Who is there: GET, LIST, SERVICES, AWAIT, and the ways out.

use crate::support::{Server, Value, unix_ms, wait_until};

#[test]
fn get_shows_everything_known_but_the_token() {
    let server = Server::start();
    let (mut client, mut process) = (server.client(), server.client());
    let reply = process
        .must("PID.REGISTER s a 12 HOST h START 100 BOOT b TTL 60000 BIND GRACE 70 EXCLUSIVE META 2 port 80 zone x");
    let (token, epoch) = (reply.field("token").int(), reply.field("epoch").int());
    client.must("HB.SIGNAL s a drain");
    process.must(&format!("HB.BEAT s a TOKEN {token} STATUS busy"));
    let shown = client.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert!(
        (50_000..=60_000).contains(&at("left")) && (0..10_000).contains(&at("age")),
        "{shown}"
    );
    assert!((unix_ms() - 60_000..=unix_ms()).contains(&at("registered")), "{shown}");
    assert_eq!(
        shown,
        format!(
            "{{member: 'a', pid: 12, host: 'h', start: '100', boot: 'b', state: 'up', role: 'leader', \
             epoch: {epoch}, ttl: 60000, left: {}, age: {}, bound: 1, grace: 70, signal: 'drain', status: 'busy', \
             registered: {}, meta: {{port: '80', zone: 'x'}}}}",
            at("left"),
            at("age"),
            at("registered")
        )
    );
}

#[test]
fn what_is_unknown_is_null_in_both_protocols() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.must("HB.BEAT s a TTL 60000");
    let shown = client.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert_eq!(
        shown,
        format!(
            "{{member: 'a', pid: null, host: null, start: null, boot: null, state: 'up', role: 'member', epoch: null, \
             ttl: 60000, left: {}, age: {}, bound: 0, grace: 0, signal: null, status: null, registered: {}, meta: {{}}}}",
            at("left"),
            at("age"),
            at("registered")
        )
    );
    let shown = two.call("PID.GET s a");
    let at = |name: &str| shown.field(name).int();
    assert_eq!(
        shown,
        format!(
            "['member', 'a', 'pid', null, 'host', null, 'start', null, 'boot', null, 'state', 'up', 'role', 'member', \
             'epoch', null, 'ttl', 60000, 'left', {}, 'age', {}, 'bound', 0, 'grace', 0, 'signal', null, \
             'status', null, 'registered', {}, 'meta', []]",
            at("left"),
            at("age"),
            at("registered")
        )
    );
    for words in [
        "PID.GET s b",
        "PID.GET nobody a",
        "PID.GET s b pid",
        "PID.GET s b pid host",
    ] {
        assert_eq!(client.call(words), Value::Null, "{words}");
    }
}

#[test]
fn get_with_fields_replies_bare_values() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 12 HOST h TTL 0 META 2 port 80 pid shadow");
    assert_eq!(client.call("PID.GET s a pid"), "12");
    assert_eq!(client.call("PID.GET s a host"), "'h'");
    assert_eq!(client.call("PID.GET s a port"), "'80'");
    assert_eq!(client.call("PID.GET s a colour"), Value::Null);
    assert_eq!(client.call("PID.GET s a start"), Value::Null);
    assert_eq!(
        client.call("PID.GET s a port colour pid role meta bound"),
        "['80', null, 12, 'member', {pid: 'shadow', port: '80'}, 0]"
    );
    assert_eq!(server.client_resp2().call("PID.GET s a pid start"), "[12, null]");
}

#[test]
fn list_shows_the_members_in_the_order_of_their_names() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s b 2 HOST h2 TTL 0");
    let mut process = server.client();
    process.must("PID.REGISTER s a 1 HOST h START 7 BOOT b TTL 60000 BIND GRACE 60000 EXCLUSIVE");
    client.must("HB.BEAT s é STATUS idle TTL 60000 CAMPAIGN");
    client.must("HB.SIGNAL s é quiet");
    client.register("s B 3 TTL 0");
    drop(process);
    wait_until("a is in grace", || client.member("s", "a", "state") == "state 'grace'");
    let page = client.call("PID.LIST s");
    let age = |at: usize| page.item(1).item(at).field("age").to_string();
    assert_eq!(
        page,
        format!(
            "['0', [\
             {{member: 'B', pid: 3, host: null, start: null, boot: null, state: 'up', role: 'member', ttl: 0, \
             age: {}, signal: null, status: null}}, \
             {{member: 'a', pid: 1, host: 'h', start: '7', boot: 'b', state: 'grace', role: 'leader', ttl: 60000, \
             age: {}, signal: null, status: null}}, \
             {{member: 'b', pid: 2, host: 'h2', start: null, boot: null, state: 'up', role: 'member', ttl: 0, \
             age: {}, signal: null, status: null}}, \
             {{member: 'é', pid: null, host: null, start: null, boot: null, state: 'up', role: 'candidate', \
             ttl: 60000, age: {}, signal: 'quiet', status: 'idle'}}]]",
            age(0),
            age(1),
            age(2),
            age(3)
        )
    );
    let of_host = client.call("PID.LIST s HOST h2");
    assert_eq!(of_host.item(1).items().len(), 1);
    assert_eq!(of_host.item(1).item(0).field("member"), "'b'");
    assert_eq!(client.call("PID.LIST s HOST h3"), "['0', []]");
    assert_eq!(client.call("PID.LIST nobody"), "['0', []]");
}

#[test]
fn pages_show_who_stays_exactly_once_whatever_else_comes_and_goes() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..60 {
        client.register(&format!("s m{n:02} {} HOST h{} TTL 0", n + 1, n % 2));
    }
    for (host, every) in [("", 1), (" HOST h0", 2)] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = "0".to_string();
        let mut turn = 0;
        loop {
            let page = client.must(&format!("PID.LIST s CURSOR {cursor} COUNT 7{host}"));
            let members = page.item(1).items();
            assert!(members.len() <= 7, "{}", members.len());
            seen.extend(members.iter().map(|member| member.field("member").text()));
            cursor = page.item(0).text();
            if cursor == "0" {
                break;
            }
            // The last one shown, one before and one behind it go; others come.
            for gone in [seen.last().unwrap().clone(), "m00".into(), format!("m{:02}", 59 - turn)] {
                client.must(&format!("PID.EVICT s {gone}"));
            }
            client.register(&format!("s a{turn}{every} 99 HOST h0 TTL 0"));
            client.register(&format!("s z{turn}{every} 99 HOST h0 TTL 0"));
            turn += 1;
            assert!(turn < 60, "the walk ends");
        }
        assert!(
            seen.is_sorted() && seen.windows(2).all(|two| two[0] != two[1]),
            "{seen:?}"
        );
        let stayed = client.must(&format!("PID.LIST s COUNT 1000{host}"));
        for member in stayed.item(1).items() {
            let name = member.field("member").text();
            if name.starts_with('m') {
                assert!(seen.contains(&name), "{name} in {seen:?}");
            }
        }
    }
}

#[test]
fn services_are_listed_in_pages_by_pattern_and_by_right() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..25 {
        client.must(&format!("HB.BEAT mail{n:02} a"));
    }
    client.register("{app}mail a 1");
    client.schedule("queue-only x");
    client.must("PID.GET nobody a");
    let mut names = Vec::new();
    let mut cursor = "0".to_string();
    loop {
        let page = client.must(&format!("PID.SERVICES CURSOR {cursor} COUNT 4"));
        names.extend(page.item(1).items().iter().map(Value::text));
        cursor = page.item(0).text();
        if cursor == "0" {
            break;
        }
    }
    let mut expected: Vec<String> = (0..25).map(|n| format!("mail{n:02}")).collect();
    expected.push("{app}mail".into());
    assert_eq!(names, expected);
    assert_eq!(
        client.call("PID.SERVICES MATCH *mail?1 COUNT 1000"),
        "['0', ['mail01', 'mail11', 'mail21']]"
    );
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['queue-only']]");
    client.must("ACL SETUSER viewer on nopass resetkeys +pid.services ~mail0* ~queue*");
    client.must("AUTH viewer any");
    let seen = client.call("PID.SERVICES COUNT 1000");
    let seen: Vec<String> = seen.item(1).items().iter().map(Value::text).collect();
    assert_eq!(seen, expected[..10]);
}

#[test]
fn await_tells_at_once_what_is_so() {
    let server = Server::start();
    let (mut client, mut two) = (server.client(), server.client_resp2());
    client.register("s a 1 TTL 0");
    for block in ["", " BLOCK 0"] {
        assert_eq!(client.call(&format!("PID.AWAIT s a UP{block}")), "1");
        assert_eq!(client.call(&format!("PID.AWAIT s b DOWN{block}")), "1");
    }
    for words in ["PID.AWAIT s a DOWN", "PID.AWAIT s b UP", "PID.AWAIT s b UP BLOCK 20"] {
        assert_eq!(client.call(words), Value::Null, "{words}");
    }
    assert_eq!(two.call("PID.AWAIT s b UP BLOCK 20"), Value::NullArray);
    client.must("MULTI");
    client.must("PID.AWAIT s b UP BLOCK 0");
    assert_eq!(client.call("EXEC"), "[null]");
    let script = "return redis.call('PID.AWAIT', KEYS[1], 'a', 'DOWN', 'BLOCK', '0')";
    assert_eq!(client.call_args(&["EVAL", script, "1", "s"]), Value::Null);
}

#[test]
fn all_that_wait_for_a_member_are_woken_when_it_comes_and_when_it_goes() {
    let server = Server::start();
    let mut client = server.client();
    let ways: [(&str, &str); 3] = [
        ("PID.REGISTER s a 1 TTL 0", "PID.EVICT s a"),
        ("HB.BEAT s a", "PID.DEREGISTER s a PID 1"),
        ("HB.BEAT s a TTL 100", "PING"),
    ];
    for (come, go) in ways {
        let mut waiting = [0, 1].map(|_| server.waiter("PID.AWAIT s a UP BLOCK 0"));
        let mut other = server.waiter("PID.AWAIT s b UP BLOCK 0");
        client.must(come);
        for client in &mut waiting {
            assert_eq!(client.receive(), "1", "{come}");
        }
        let mut waiting = server.client();
        waiting.send("PID.AWAIT s a DOWN BLOCK 0");
        if go.contains("DEREGISTER") {
            // A member without a pid has none that fits.
            assert_eq!(client.call(go), "0");
            assert_eq!(client.call("PID.EVICT s a"), "1");
        } else {
            client.must(go);
        }
        assert_eq!(waiting.receive(), "1", "{go}");
        assert!(other.is_silent());
    }
}

#[test]
fn a_member_leaves_by_its_token_or_its_pid() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12");
    let other = client.register("s b 13");
    let digest = client.digest();
    assert_eq!(client.call("PID.DEREGISTER s a PID 13"), "0");
    assert_eq!(client.call("PID.DEREGISTER s c PID 12"), "0");
    assert_eq!(client.call(&format!("PID.DEREGISTER s c TOKEN {token}")), "0");
    let wrong = format!("PID.DEREGISTER s a TOKEN {other}");
    assert_eq!(client.call(&wrong), "-FENCED epoch=0 leader=");
    assert_eq!(client.digest(), digest);
    assert_eq!(client.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "1");
    assert_eq!(client.call(&format!("PID.DEREGISTER s a TOKEN {token}")), "0");
    assert_eq!(client.call("PID.DEREGISTER s b PID 13"), "1");
    assert_eq!(client.members("s"), Vec::<String>::new());
    assert_eq!(client.told("s")[2..], ["down a reason=left", "down b reason=left"]);
}

#[test]
fn an_operator_evicts_with_or_without_a_word() {
    let server = Server::start();
    let mut client = server.client();
    let token = client.register("s a 12 TTL 0");
    client.register("s b 13 TTL 0");
    assert_eq!(client.call("PID.EVICT s a"), "1");
    assert_eq!(
        client.call_args(&["PID.EVICT", "s", "b", "REASON", "disk is full"]),
        "1"
    );
    assert_eq!(client.call("PID.EVICT s b"), "0");
    assert_eq!(client.call("PID.EVICT nobody b"), "0");
    assert_eq!(
        client.told("s")[2..],
        ["down a reason=evicted", "down b reason=disk is full"]
    );
    for words in [
        format!("HB.BEAT s a TOKEN {token}"),
        format!("HB.CAMPAIGN s a {token}"),
        format!("PID.REGISTER s a 12 TOKEN {token}"),
    ] {
        assert_eq!(client.call(&words), "-NOMEMBER no such member", "{words}");
    }
}
