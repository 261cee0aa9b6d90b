//! SIGTERM.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Shop;
use crate::support::{Running, Terminal, steward, wait_until};

/// A task that runs until it is told to end.
const UNTIL_TOLD: &str = "echo $STEWARD_ID >>begun; until [ -e go ]; do sleep 0.01; done";

impl Shop {
    #[track_caller]
    fn wait_until_begun(&self, count: usize) {
        wait_until("they have begun", || {
            crate::support::lines(&self.stage.file("begun")).len() == count
        });
    }
}

#[test]
fn an_idle_one_leaves_soon() {
    let shop = Shop::open();
    let mut work = shop.work(&["q"], "exit 0");
    shop.server.wait_for_members("q", 1);
    let start = Instant::now();
    work.signal(Signal::TERM);
    assert_eq!(work.end(), (Some(0), String::new()));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(shop.server.members("q").is_empty());
}

#[test]
fn systemd_is_told_when_it_works_and_when_it_ends() {
    let shop = Shop::open();
    let path = shop.stage.file("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let heard = || {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_string()
    };
    let mut command = steward(&["work", "q", "--", "cat"]);
    let mut work = Running::start(command.env("NOTIFY_SOCKET", &path).env("REDIS_URL", shop.server.url()));
    assert_eq!(heard(), "READY=1");
    assert!(heard().starts_with("STATUS=worker "));
    assert_eq!(shop.server.members("q").len(), 1);
    work.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(work.end(), (Some(0), String::new()));
}

#[test]
fn a_terminal_is_told_what_it_works_on_and_who_leads() {
    let shop = Shop::open();
    let terminal = Terminal::start(&shop.server, 80, 20);
    terminal.enter("steward work q r --member w1 -- cat");
    terminal.wait_for("steward: worker w1 of q, r");
    terminal.press("C-c");
    terminal.enter("steward lead web --member a -- sleep 600");
    terminal.wait_for("steward: leader: epoch 1");
}

#[test]
fn a_busy_one_finishes_and_takes_no_new_work() {
    let shop = Shop::open();
    for id in ["a", "b", "c"] {
        shop.add(id, b"");
    }
    let mut work = shop.work(&["q", "-c", "2"], UNTIL_TOLD);
    shop.wait_until_begun(2);
    assert_eq!(shop.field::<String>("c", "state"), "ready", "none is claimed ahead");
    work.deliver(Signal::TERM);
    assert!(!work.has_ended());
    std::fs::write(shop.stage.file("go"), "").unwrap();
    assert_eq!(work.end(), (Some(0), String::new()));
    assert_eq!(shop.field::<String>("a", "state"), "done");
    assert_eq!(shop.field::<String>("b", "state"), "done");
    assert_eq!(shop.field::<String>("c", "state"), "ready");
}

#[test]
fn what_is_not_finished_in_time_is_given_back_without_an_attempt() {
    let shop = Shop::open();
    for (id, script) in [("polite", ""), ("stubborn", "trap '' TERM")] {
        shop.add(id, script.as_bytes());
    }
    let script = format!("read -r line; eval \"$line\"; {UNTIL_TOLD}");
    let mut work = shop.work(&["q", "-c", "2", "--grace", "100ms"], &script);
    shop.wait_until_begun(2);
    work.signal(Signal::TERM);
    assert_eq!(work.end(), (Some(0), String::new()));
    for id in ["polite", "stubborn"] {
        assert_eq!(shop.field::<String>(id, "state"), "ready");
        assert_eq!(shop.field::<u64>(id, "attempt"), 0);
    }
    work.wait_until_nothing_is_left();
}

#[test]
fn a_second_term_ends_it_now() {
    let shop = Shop::open();
    shop.add("a", b"");
    let mut work = shop.work(&["q", "--grace", "1h"], &format!("trap '' TERM; {UNTIL_TOLD}"));
    shop.wait_until_begun(1);
    work.insist(Signal::TERM);
    assert_eq!(work.end(), (Some(0), String::new()));
    assert_eq!(shop.field::<String>("a", "state"), "ready");
    assert_eq!(shop.field::<u64>("a", "attempt"), 0);
    work.wait_until_nothing_is_left();
}
