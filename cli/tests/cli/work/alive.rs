//! Claims are kept as long as the program runs, over reconnects and restarts.

use rustix::process::Signal;

use super::Shop;
use crate::support::{Proxy, wait_until};

const UNTIL_TOLD: &str = "echo x >>begun; until [ -e go ]; do sleep 0.01; done; echo result";

impl Shop {
    /// A task that has begun.
    fn begin(&self) {
        wait_until("it has begun", || {
            !crate::support::lines(&self.stage.file("begun")).is_empty()
        });
    }

    /// Lets it end, and checks that it has run once and without a loss.
    #[track_caller]
    fn finish(&self) {
        std::fs::write(self.stage.file("go"), "").unwrap();
        self.wait_for("a", "done");
        assert_eq!(self.field::<String>("a", "result"), "result\n");
        assert_eq!(self.field::<u64>("a", "deliveries"), 1);
        assert_eq!(crate::support::lines(&self.stage.file("begun")).len(), 1);
    }
}

#[test]
fn a_program_may_run_for_longer_than_the_ttl() {
    let shop = Shop::open();
    shop.add("a", b"");
    // Longer than it takes a busy machine to answer a heartbeat.
    let _work = shop.work(&["q", "--ttl", "2s"], UNTIL_TOLD);
    shop.begin();
    std::thread::sleep(std::time::Duration::from_secs(3));
    shop.finish();
}

#[test]
fn a_closed_connection_costs_nothing() {
    let shop = Shop::open();
    shop.add("a", b"");
    let _work = shop.work(&["q", "--member", "w"], UNTIL_TOLD);
    shop.begin();
    let joined: u64 = shop.server.call("PID.GET q w registered_at");
    for _ in 0..3 {
        let _: i64 = shop.server.call("CLIENT KILL TYPE normal SKIPME yes");
        wait_until("it is bound again", || {
            shop.server.call::<Option<i64>>("PID.GET q w connections") == Some(1)
        });
    }
    assert_eq!(
        shop.server.call::<u64>("PID.GET q w registered_at"),
        joined,
        "it is the same member"
    );
    shop.finish();
}

#[test]
fn a_restart_of_the_server_costs_nothing() {
    let mut shop = Shop::open();
    shop.add("a", b"");
    let work = shop.work(&["q"], UNTIL_TOLD);
    shop.begin();
    shop.server.kill();
    shop.server.start_again();
    shop.server.wait_for_members("q", 1);
    shop.finish();
    work.signal(Signal::TERM);
}

#[test]
fn a_lost_reply_changes_nothing() {
    for word in [
        "TASK.MCLAIM",
        "TASK.MEXTEND",
        "PID.REGISTER",
        "HB.BEAT",
        "TASK.ACK",
        "TASK.FAIL",
        "TASK.RELEASE",
        "PID.DEREGISTER",
    ] {
        let shop = Shop::open();
        let proxy = Proxy::to(shop.server.port);
        proxy.lose_reply(word);
        let script = "[ $STEWARD_ATTEMPT = 1 ] && [ $STEWARD_DELIVERIES = 1 ] && sleep 0.5; case $STEWARD_DELIVERIES in 1) exit 75 ;; 2) exit 1 ;; esac; echo result";
        shop.add_with("a", b"", &["BACKOFF", "FIXED", "1"]);
        let mut work = shop.work_at(&proxy.url(), &["q", "--ttl", "2s", "--release-delay", "0s"], script);
        shop.wait_for("a", "done");
        if word == "HB.BEAT" {
            // It may come only now.
            wait_until("it is lost", || proxy.has_lost());
        }
        assert_eq!(shop.field::<String>("a", "result"), "result\n");
        // One that took the task in the reply that was lost may have run out of its lease.
        assert!(shop.field::<u64>("a", "deliveries") <= 4, "{word}");
        work.signal(Signal::TERM);
        assert_eq!(work.end(), (Some(0), String::new()), "{word}");
        assert!(proxy.has_lost(), "{word}");
        assert!(shop.server.members("q").is_empty(), "{word}");
    }
}

#[test]
fn a_lost_answer_about_the_service_of_a_queue_is_asked_for_again() {
    let shop = Shop::open();
    let _: String = shop.server.call("TASK.CONFIG SET q service {q}workers");
    let proxy = Proxy::to(shop.server.port);
    proxy.lose_reply("TASK.CONFIG");
    let _work = shop.work_at(&proxy.url(), &["q"], "exit 0");
    shop.server.wait_for_members("{q}workers", 1);
    assert!(proxy.has_lost() && shop.server.members("q").is_empty());
}

#[test]
fn a_lost_reply_to_progress_changes_nothing() {
    let shop = Shop::open();
    shop.add("a", b"");
    let proxy = Proxy::to(shop.server.port);
    proxy.lose_reply("PROGRESS");
    let script = format!("{} progress 40", env!("CARGO_BIN_EXE_steward"));
    let _work = shop.work_at(&proxy.url(), &["q"], &script);
    shop.wait_for("a", "done");
    assert!(proxy.has_lost());
    assert_eq!(shop.field::<String>("a", "progress"), "40");
    assert_eq!(shop.field::<u64>("a", "deliveries"), 1);
}
