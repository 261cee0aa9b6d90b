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
    let _work = shop.work(&["q", "--ttl", "500ms"], UNTIL_TOLD);
    shop.begin();
    std::thread::sleep(std::time::Duration::from_secs(2));
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
        "TASK.ACK",
        "TASK.FAIL",
        "TASK.RELEASE",
    ] {
        let shop = Shop::open();
        let proxy = Proxy::to(shop.server.port);
        proxy.lose_reply(word);
        let script = "[ $STEWARD_ATTEMPT = 1 ] && [ $STEWARD_DELIVERIES = 1 ] && sleep 0.5; case $STEWARD_DELIVERIES in 1) exit 75 ;; 2) exit 1 ;; esac; echo result";
        shop.add_with("a", b"", &["BACKOFF", "FIXED", "1"]);
        let mut work = shop.work_at(&proxy.url(), &["q", "--ttl", "2s", "--release-delay", "0s"], script);
        shop.wait_for("a", "done");
        assert!(proxy.has_lost(), "{word}");
        assert_eq!(shop.field::<String>("a", "result"), "result\n");
        // One that took the task in the reply that was lost may have run out of its lease.
        assert!(shop.field::<u64>("a", "deliveries") <= 4, "{word}");
        work.signal(Signal::TERM);
        assert_eq!(work.end(), (Some(0), String::new()), "{word}");
    }
}
