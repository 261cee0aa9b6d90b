//! Runs what the pages in docs/operating show of a server with some history.

use std::fs;

use crate::support::{Document, Folder, Server, Session, wait_until};

/// The pages whose sessions are one story, on a server that is copied, replaced and filled.
pub(super) const PAGES: [&str; 5] = [
    "docs/operating/index.md",
    "docs/operating/backup.md",
    "docs/operating/upgrading.md",
    "docs/operating/limits.md",
    "docs/operating/removing.md",
];

fn operating() -> Document {
    Document::read(PAGES[0])
}

/// A server as in the document: of the four tasks of mail one is dead, and a member leads.
#[track_caller]
fn primary() -> Server {
    let server = Server::builder().listening().start();
    let mut client = server.client();
    client.schedule("mail dead");
    let (id, token) = client.claim("mail w1");
    client.call_args(&[
        "TASK.FAIL",
        "mail",
        &id,
        &token.to_string(),
        "ERROR",
        "no such address",
        "DEAD",
    ]);
    client.must("TASK.MSCHEDULE mail 2 x y");
    client.schedule("mail z DELAY 3600000");
    client.must("HB.BEAT mail w1 TTL 60000 CAMPAIGN");
    server
}

/// A stopped server with the snapshot of another one, started as the document says.
#[track_caller]
fn restored(from: &Server, page: &Document) -> Server {
    let line = page.block("sh", "redis-server --dir /restore");
    let options: Vec<&str> = line.trim().split(" --").skip(1).collect();
    let mut settings: Vec<(&str, &str)> = options.iter().filter_map(|option| option.split_once(' ')).collect();
    assert_eq!(settings.len(), options.len());
    // The harness sets these two.
    settings.retain(|(name, _)| !["dir", "loadmodule"].contains(name));
    assert_eq!(settings, [("appendonly", "no"), ("steward.timer", "no")]);
    let mut copy = Server::start();
    copy.kill_9();
    fs::copy(from.dir().join("dump.rdb"), copy.dir().join("dump.rdb")).unwrap();
    copy.start_again(&settings);
    copy
}

#[test]
fn the_sessions_are_what_happens() {
    let pages = PAGES.map(Document::read);
    let [watch, backup, upgrade, full, remove] = pages.each_ref().map(|page| page.blocks("console"));
    let primary = primary();
    let mut client = primary.client();
    let mut session = Session::at(&primary);
    // These are not 0 on a busy machine.
    session.pass_over(&[
        "steward_stalls_total:",
        "steward_late_p99_ms:",
        "steward_timer_backlog:",
        "steward_time_zones:",
    ]);
    session.let_vary("205");
    let mut commands = session.run(&watch.concat());

    let [save, inspect, go_on] = &backup[..] else {
        panic!("three sessions")
    };
    commands += session.run(save);
    let copy = restored(&primary, &pages[1]);
    session.go_to(&copy);
    commands += session.run(inspect) + session.run(go_on);

    let [fail_over, on_the_new_primary, deploy] = &upgrade[..] else {
        panic!("three sessions")
    };
    let replica = primary.replica();
    session.go_to(&primary);
    session.let_be("17392", &replica.port().to_string());
    commands += session.run(fail_over);
    let mut there = replica.client();
    wait_until("the replica leads", || there.info("role") == "master");
    wait_until("the old primary follows", || client.info("role") == "slave");
    session.go_to(&replica);
    commands += session.run(on_the_new_primary);
    there.must("HB.BEAT app w1 TTL 60000");
    commands += session.run(deploy);

    there.must("CONFIG SET maxmemory 1");
    commands += session.run(&full.concat());
    there.must("CONFIG SET maxmemory 0");

    session.go_to(&copy);
    commands += session.run(&remove.concat());
    let shown: usize = pages.iter().map(|page| page.text().matches("\n$ ").count()).sum();
    assert_eq!(commands, shown, "all were run");
}

#[test]
fn the_alarms_go_off() {
    let primary = primary();
    let folder = Folder::new(&primary);
    folder.add("steward-alarms", &operating().block("sh", "# steward-alarms"));
    let mut client = primary.client();
    let check = || {
        let output = folder.command("./steward-alarms").output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        (printed, output.status.success())
    };
    wait_until("INFO knows it", || client.info("steward_dead_tasks") == "1");
    assert_eq!(check(), ("dead_tasks 1\n".into(), false));
    client.must("TASK.PURGE mail dead");
    wait_until("INFO knows it", || client.info("steward_dead_tasks") == "0");
    assert_eq!(check(), (String::new(), true));
}

#[test]
fn the_script_for_the_exporter_returns_all_numbers_of_info() {
    let primary = primary();
    let mut client = primary.client();
    wait_until("INFO knows it", || client.info("steward_dead_tasks") == "1");
    let script = operating().block("lua", "-- steward.lua");
    let values = client.call_args(&["EVAL", &script, "0"]);
    let pairs: Vec<(String, String)> = values
        .items()
        .chunks(2)
        .map(|pair| (pair[0].text(), pair[1].text()))
        .collect();
    for (name, value) in [("ready_tasks", "2"), ("dead_tasks", "1"), ("leaders", "1")] {
        assert!(pairs.contains(&(name.into(), value.into())), "{pairs:?}");
    }
    let info = client.call("INFO steward").text();
    let numbers = info.lines().filter(|line| line.starts_with("steward_")).count() - 1;
    assert_eq!(pairs.len(), numbers, "all but time_zones");
}

#[test]
fn the_list_for_the_scaler_is_that_of_the_ready_tasks() {
    let primary = primary();
    let line = Document::read("docs/guides/autoscaling.md").block("yaml", "listName: ");
    let mut names = line.lines().filter_map(|line| line.trim().strip_prefix("listName: "));
    let length = primary.client().must(&format!("LLEN {}", names.next().unwrap()));
    assert_eq!(length, "2");
}
