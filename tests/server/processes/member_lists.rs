//! Many members and services: PID.LIST and PID.SERVICES, a page at a time.

use crate::support::{Client, Server, Value, wait_until};

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
    let age = |at: usize| page.item(1).item(at).field("idle_ms").to_string();
    assert_eq!(
        page,
        format!(
            "['0', [\
             {{member: 'B', pid: 3, host: null, start: null, boot: null, state: 'up', role: 'member', position: null, ttl_ms: 0, \
             idle_ms: {}, signal: null, status: null}}, \
             {{member: 'a', pid: 1, host: 'h', start: '7', boot: 'b', state: 'grace', role: 'leader', position: null, ttl_ms: 60000, \
             idle_ms: {}, signal: null, status: null}}, \
             {{member: 'b', pid: 2, host: 'h2', start: null, boot: null, state: 'up', role: 'member', position: null, ttl_ms: 0, \
             idle_ms: {}, signal: null, status: null}}, \
             {{member: 'é', pid: null, host: null, start: null, boot: null, state: 'up', role: 'candidate', \
             position: 1, ttl_ms: 60000, idle_ms: {}, signal: 'quiet', status: 'idle'}}]]",
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
fn candidates_are_shown_with_their_places_in_the_line() {
    let server = Server::start();
    let mut client = server.client();
    for words in ["a", "b", "c PRIORITY 5", "d"] {
        client.must(&format!("HB.BEAT s {} TTL 50000 CAMPAIGN{}", &words[..1], &words[1..]));
    }
    client.must("HB.BEAT s e TTL 50000");
    let line = |client: &mut Client| {
        let page = client.must("PID.LIST s");
        let one = |member: &Value| format!("{} {}", member.field("member").text(), member.field("position"));
        page.item(1).items().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(line(&mut client), ["a null", "b 2", "c 1", "d 3", "e null"]);
    assert_eq!(client.call("PID.GET s d position"), "3");
    client.must("PID.EVICT s a");
    assert_eq!(line(&mut client), ["b 1", "c null", "d 2", "e null"]);
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
            // The last one shown, one before and one after it leave; others register.
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
fn a_replica_reads_the_members_once_and_then_only_those_that_change() {
    let server = Server::builder().listening().start();
    let replica = server.replica();
    let (mut client, mut there) = (server.client(), replica.client());
    client.register_many("s", 1_000, "HOST h TTL 0");
    wait_until("the replica has them", || there.digest() == client.digest());
    let mut seen = Vec::new();
    let mut cursor = "0".to_string();
    let mut changed = 0;
    there.must("CONFIG RESETSTAT");
    loop {
        let page = there.must(&format!("PID.LIST s CURSOR {cursor} COUNT 50"));
        seen.extend(page.item(1).items().iter().map(|member| member.field("member").text()));
        cursor = page.item(0).text();
        if cursor == "0" {
            break;
        }
        client.must(&format!("PID.EVICT s m{changed}"));
        client.register(&format!("s z{changed} 7 HOST g TTL 0"));
        changed += 1;
        wait_until("the replica has it", || there.digest() == client.digest());
    }
    assert!(changed > 15);
    // Once for all members, and for each change the hash of the service, which has no members in it.
    let calls = there.info("cmdstat_hgetall");
    let calls: i64 = calls
        .trim_start_matches("calls=")
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(calls <= changed + 2, "{calls} calls for {changed} changes");
    assert!(seen.is_sorted() && seen.iter().any(|name| name == "z0"), "{seen:?}");
    assert_eq!(there.members("s"), client.members("s"));
    let members = there.must("PID.LIST s HOST g COUNT 1000");
    assert_eq!(members.item(1).items().len() as i64, changed);
    // Also a member that changed since it was listed, a candidate and the leader.
    for who in ["a TTL 100000", "b"] {
        client.must(&format!("HB.BEAT s {who}"));
    }
    client.must("HB.BEAT s a TTL 50000 CAMPAIGN");
    client.must("HB.BEAT s b TTL 50000 CAMPAIGN");
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(there.member("s", "a", "role ttl_ms"), "role 'leader', ttl_ms 50000");
    assert_eq!(there.member("s", "b", "role idle_ms"), "role 'candidate', idle_ms null");
    client.must("PID.EVICT s a");
    wait_until("the replica has it", || there.digest() == client.digest());
    assert_eq!(there.member("s", "a", "role"), "gone");
    assert_eq!(there.member("s", "b", "role"), "role 'leader'");
}

#[test]
fn a_page_looks_at_so_many_members_and_no_more() {
    let server = Server::start();
    let mut client = server.client();
    client.pipeline((0..25_000).map(|n| format!("HB.BEAT s m{n:05} TTL 86400000")));
    client.register("s z 1 HOST h TTL 0");
    let mut cursor = "0".to_string();
    let mut pages = Vec::new();
    loop {
        let page = client.must(&format!("PID.LIST s HOST h CURSOR {cursor}"));
        pages.push(page.item(1).items().len());
        cursor = page.item(0).text();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(pages, [0, 0, 1]);
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
    names.sort();
    assert_eq!(names, expected);
    let matched = client.must("PID.SERVICES MATCH *mail?1 COUNT 1000").names();
    assert_eq!(matched, ["mail01", "mail11", "mail21"]);
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['queue-only']]");
    client.must("ACL SETUSER viewer on nopass resetkeys +pid.services ~mail0* ~queue*");
    client.must("AUTH viewer any");
    assert_eq!(client.must("PID.SERVICES COUNT 1000").names(), expected[..10]);
}
