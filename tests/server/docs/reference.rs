//! What docs/reference says of the server is so.

use std::collections::BTreeSet;

use crate::support::clock::{Clock, HOUR};
use crate::support::{Client, Document, Server, Value, wait_until};

/// The names in the first column of the table beneath a heading, or of the first table.
fn named(page: &str, heading: Option<&str>) -> Vec<String> {
    let page = Document::read(page);
    let part = heading.map(|heading| page.part(heading));
    let text = part.as_ref().unwrap_or(&page).text();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_string()).collect()
}

#[test]
fn the_fields_of_info_are_those_of_its_page() {
    let info = Server::start().client().must("INFO steward").text();
    let fields = info.lines().filter_map(|line| line.strip_prefix("steward_"));
    let fields: Vec<&str> = fields.map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(named("docs/reference/info.md", None), fields);
}

/// The types in a stream of events, each once.
fn types(client: &mut Client, stream: &str) -> BTreeSet<String> {
    let entries = client.must(&format!("XRANGE {stream} - +"));
    let kind = |entry: &Value| entry.item(1).item(1).text();
    entries.items().iter().map(kind).collect()
}

#[test]
fn each_type_of_event_of_a_queue_is_on_the_page() {
    let clock = Clock::new();
    let server = clock.server().start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q events-level all");
    client.schedule("q x ID fails ATTEMPTS 2");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.EXTEND q fails {token} PROGRESS half"));
    client.must(&format!("TASK.FAIL q fails {token} DELAY 0"));
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.FAIL q fails {token}"));
    client.schedule("q x ID done");
    let (_, token) = client.claim("q w");
    client.must(&format!("TASK.ACK q done {token}"));
    // The queue of the reply has a key of another type.
    client.must("SET task:{q}r:ready:5 foreign");
    client.schedule("q x ID cancelled REPLY {q}r");
    client.must("TASK.CANCEL q cancelled");
    client.schedule("q x ID expires EXPIRE 1");
    wait_until("it has expired", || client.stat("q", "expired_total") == 1);
    client.schedule("q x ID lost");
    client.claim("q w LEASE 1");
    // There is no definition of this one.
    client.must("ZADD task:{q}:repeat-due 0 skipped");
    client.must(&format!("TASK.REPEAT q missed x EVERY {HOUR} MISFIRE SKIP"));
    clock.step(HOUR + 60_000);
    let named = named("docs/reference/events.md", Some("## Events of a queue"));
    let named: BTreeSet<String> = named.into_iter().collect();
    wait_until("each has happened", || types(&mut client, "task:{q}:events") == named);
}

#[test]
fn each_type_of_event_of_a_service_is_on_the_page() {
    let server = Server::start();
    let mut client = server.client();
    let leader = client.must("PID.REGISTER s a 1 TTL 60000 EXCLUSIVE");
    client.must("HB.SIGNAL s a quiet");
    client.must(&format!("HB.RESIGN s a {}", leader.field("token").int()));
    client.must("PID.EVICT s a");
    let named = named("docs/reference/events.md", Some("## Events of a service"));
    assert_eq!(types(&mut client, "proc:{s}:events"), named.into_iter().collect());
}
