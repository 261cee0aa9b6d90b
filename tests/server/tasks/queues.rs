//! Statistics of a queue, and its own settings.

use crate::support::{Server, unix_ms, wait_until};

#[test]
fn stats_have_all_fields_in_order_also_for_a_queue_that_does_not_exist() {
    let server = Server::start();
    let mut client = server.client();
    let nothing = client.call("TASK.STATS nobody");
    let since = nothing.field("since_at").int();
    assert!((unix_ms() - 60_000..=unix_ms()).contains(&since));
    assert_eq!(
        nothing,
        format!(
            "{{scheduled_tasks: 0, ready_tasks: 0, claimed_tasks: 0, blocked_tasks: 0, done_tasks: 0, dead_tasks: 0, \
             scheduled_total: 0, claimed_total: 0, acked_total: 0, failed_total: 0, lost_total: 0, dead_total: 0, \
             expired_total: 0, cancelled_total: 0, since_at: {since}, oldest_ready_ms: null, late_p50_ms: null, \
             late_p99_ms: null, late_max_ms: null, run_p50_ms: null, run_p99_ms: null, waiting_clients: 0, paused_until: null}}"
        )
    );
    assert_eq!(client.keys(), Vec::<String>::new());
}

#[test]
fn totals_count_what_happened() {
    let server = Server::start();
    let mut client = server.client();
    client.must("TASK.MSCHEDULE q 4 a b c d");
    client.schedule("q x ID late DELAY 20 PRIORITY 9");
    wait_until("all are due", || client.counts("q") == "ready 5");
    let claims = client.call("TASK.CLAIM q w COUNT 3");
    let words = |at: usize| {
        format!(
            "q {} {}",
            claims.item(at).field("id").text(),
            claims.item(at).field("token").int()
        )
    };
    client.must(&format!("TASK.ACK {}", words(0)));
    client.must(&format!("TASK.FAIL {} DEAD", words(1)));
    client.must(&format!("TASK.FAIL {}", words(2)));
    client.must("TASK.CANCEL q late");
    client.claim("q w LEASE 10");
    wait_until("it is lost", || client.stat("q", "lost_total") == 1);
    let stats = client.call("TASK.STATS q");
    let total = |name: &str| stats.field(name).int();
    assert_eq!(
        [
            "scheduled",
            "claimed",
            "acked",
            "failed",
            "lost",
            "dead",
            "expired",
            "cancelled"
        ]
        .map(|name| total(&format!("{name}_total"))),
        [5, 4, 1, 2, 1, 1, 0, 1]
    );
    assert!(total("run_p50_ms") >= 0 && total("run_p50_ms") <= total("run_p99_ms"));
    assert!(total("late_p50_ms") <= total("late_p99_ms") && total("late_p99_ms") <= total("late_max_ms"));
    assert!(total("oldest_ready_ms") >= 0);
    assert_eq!(client.counts("q"), "scheduled 1 ready 1 dead 1");
}

#[test]
fn queues_are_listed_in_pages_and_by_pattern() {
    let server = Server::start();
    let mut client = server.client();
    for n in 0..25 {
        client.schedule(&format!("mail{n:02} x"));
    }
    client.schedule("{app}other x DELAY 3600000");
    client.must("TASK.CONFIG SET settings-only lease 5");
    client.must("TASK.STATS nobody");
    let mut names = Vec::new();
    let mut cursor = "0".to_string();
    loop {
        let page = client.must(&format!("TASK.QUEUES CURSOR {cursor} COUNT 4"));
        names.extend(page.item(1).items().iter().map(crate::support::Value::text));
        cursor = page.item(0).text();
        if cursor == "0" {
            break;
        }
    }
    let mut expected: Vec<String> = (0..25).map(|n| format!("mail{n:02}")).collect();
    expected.extend(["settings-only".into(), "{app}other".into()]);
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
    let page = client.call("TASK.QUEUES MATCH mail?3 COUNT 1000");
    let mut matching: Vec<String> = page.item(1).items().iter().map(crate::support::Value::text).collect();
    matching.sort();
    assert_eq!(matching, ["mail03", "mail13", "mail23"]);
    assert_eq!(page.item(0).text(), "0");
    client.must("SELECT 1");
    assert_eq!(client.call("TASK.QUEUES"), "['0', []]");
    client.schedule("elsewhere x");
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['elsewhere']]");
}

#[test]
fn a_queue_that_lost_its_last_key_is_not_listed() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("q x");
    assert_eq!(client.call("TASK.QUEUES"), "['0', ['q']]");
    client.must("TASK.PURGE q ready");
    wait_until("it is gone", || client.call("TASK.QUEUES") == "['0', []]");
}

#[test]
fn a_pattern_is_at_most_as_long_as_a_name() {
    let server = Server::start();
    let mut client = server.client();
    let name = "n".repeat(256);
    client.schedule(&format!("{name} x"));
    client.must(&format!("PID.REGISTER {name} m 1"));
    for list in ["TASK.QUEUES", "PID.SERVICES"] {
        assert_eq!(
            client.call(&format!("{list} MATCH {name}")),
            format!("['0', ['{name}']]")
        );
        let refused = client.call(&format!("{list} MATCH {}", "*".repeat(257)));
        assert_eq!(refused, "-BADARG MATCH must be at most 256 bytes long");
    }
}

#[test]
fn a_queues_settings_are_shown_and_changed() {
    let server = Server::start();
    let mut client = server.client();
    let defaults = "{lease: '30000', attempts: '25', backoff: 'EXPONENTIAL 1000 MAX 3600000 JITTER 20', retain: '0', \
                    concurrency: '0', rate: '0', group-limit: '1', group-hold: 'end', max-length: '0', max-lost: '3', dead-limit: '10000', \
                    dead-retain: '15552000000', dead-queue: '', events: '1000', events-level: 'problems', history: 'auto', service: 'q'}";
    assert_eq!(client.call("TASK.CONFIG GET q"), defaults);
    assert_eq!(client.keys(), Vec::<String>::new());
    assert_eq!(client.call("TASK.CONFIG SET q lease 5000 attempts 2"), "+OK");
    assert_eq!(
        client.call_args(&["TASK.CONFIG", "SET", "q", "backoff", "fixed 70"]),
        "+OK"
    );
    assert_eq!(
        client.call("TASK.CONFIG GET q backoff lease dead-limit"),
        "{lease: '5000', backoff: 'FIXED 70 MAX 70 JITTER 0', dead-limit: '10000'}"
    );
    client.schedule("q x ID a");
    let shown = client.call("TASK.CLAIM q w FULL");
    assert_eq!(shown.item(0).field("lease_ms").int(), 5_000);
    let token = shown.item(0).field("token").int();
    let before = unix_ms();
    let due = client.call(&format!("TASK.FAIL q a {token}")).field("due_at").int();
    assert!((before + 70..=unix_ms() + 70).contains(&due));
    assert_eq!(client.get("q", "a", "max_attempts"), "max_attempts 2");
}

#[test]
fn what_a_task_says_wins_over_its_queue_and_what_a_claim_says_over_both() {
    let server = Server::start();
    let mut client = server.client();
    client.must("CONFIG SET steward.lease 1000000");
    client.schedule("q x ID a");
    client.schedule("q x ID b LEASE 3000000");
    assert_eq!(
        client.call("TASK.CLAIM q w FULL").item(0).field("lease_ms").int(),
        1_000_000
    );
    client.must("TASK.CONFIG SET q lease 2000000");
    client.schedule("q x ID c");
    assert_eq!(
        client.call("TASK.CLAIM q w FULL").item(0).field("lease_ms").int(),
        3_000_000
    );
    assert_eq!(
        client.call("TASK.CLAIM q w FULL").item(0).field("lease_ms").int(),
        2_000_000
    );
    client.schedule("q x ID d LEASE 3000000");
    assert_eq!(
        client
            .call("TASK.CLAIM q w FULL LEASE 4000000")
            .item(0)
            .field("lease_ms")
            .int(),
        4_000_000
    );
    let left = client.call("TASK.GET q d").field("remaining_ms").int();
    assert!((3_900_000..=4_000_000).contains(&left));
}

#[test]
fn reschedule_changes_due_and_priority_of_tasks_that_wait() {
    let server = Server::start();
    let mut client = server.client();
    let at = unix_ms() + 7_200_000;
    client.schedule("q x ID a DELAY 3600000");
    assert_eq!(
        client.call(&format!("TASK.RESCHEDULE q a AT {at} PRIORITY 1")),
        format!("{at}")
    );
    assert_eq!(
        client.get("q", "a", "state due_at priority"),
        format!("state 'scheduled', due_at {at}, priority 1")
    );
    assert_eq!(client.call("TASK.RESCHEDULE q a PRIORITY 2"), format!("{at}"));
    let before = unix_ms();
    let due = client.call("TASK.RESCHEDULE q a DELAY 50").int();
    assert!((before + 50..=unix_ms() + 50).contains(&due));
    wait_until("it is ready", || client.counts("q") == "ready 1");
    assert_eq!(client.listed("q", "ready"), ["a"]);
    client.must("TASK.RESCHEDULE q a DELAY 0");
    assert_eq!(client.get("q", "a", "state priority"), "state 'ready', priority 2");
    assert_eq!(client.call("TASK.RESCHEDULE q nobody DELAY 5").code(), "NOTASK");
    let (_, token) = client.claim("q w");
    let digest = client.digest();
    assert!(
        client.call("TASK.RESCHEDULE q a DELAY 5").is_error(),
        "a claimed task is its holder's"
    );
    assert_eq!(client.digest(), digest);
    client.must(&format!("TASK.FAIL q a {token} DEAD"));
    assert!(client.call("TASK.RESCHEDULE q a DELAY 5").is_error());
}

#[test]
fn a_tagged_name_keeps_its_keys_in_the_slot_of_its_tag() {
    let server = Server::start();
    let mut client = server.client();
    client.schedule("{app}mail x ID a");
    client.schedule("app x ID a");
    assert_eq!(
        client.keys(),
        [
            "task:{app}:ready:5",
            "task:{app}:t:a",
            "task:{app}mail:ready:5",
            "task:{app}mail:t:a"
        ]
    );
    assert_eq!(client.call("TASK.CLAIM {app}mail w").ids(), ["a"]);
    assert_eq!(
        [client.counts("app"), client.counts("{app}mail")],
        ["ready 1", "claimed 1"]
    );
}

#[test]
fn to_follow_a_service_takes_the_right_to_read_it() {
    let server = Server::start();
    let mut admin = server.client();
    admin.must("ACL SETUSER owner on nopass resetkeys ~q %R~{q}seen -@all +task.config");
    let mut owner = server.client();
    owner.must("AUTH owner x");
    assert_eq!(
        owner.call("TASK.CONFIG SET q lease 5 service {q}other"),
        "-NOPERM no permission for the key given as service"
    );
    assert_eq!(admin.keys(), Vec::<String>::new());
    for service in ["{q}seen", "q"] {
        assert_eq!(owner.call(&format!("TASK.CONFIG SET q service {service}")), "+OK");
    }
    assert_eq!(
        owner.call("TASK.CONFIG GET q lease lease"),
        "-BADARG lease is given twice"
    );
    assert!(owner.must("TASK.CONFIG HELP").items().len() >= 6);
}
