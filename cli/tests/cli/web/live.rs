//! Pages change as the server does, and ask nothing while nobody looks.

use std::time::{Duration, Instant};

use super::Web;
use super::house::{Load, furnish};
use crate::support::{Server, wait_until};

#[test]
fn a_page_is_sent_again_when_it_has_changed() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &[]);
    let browser = web.login("default", "");
    let reader = {
        let browser = browser.clone();
        std::thread::spawn(move || browser.stream_until("/queue?name=mail", "newcomer"))
    };
    // It has been sent once before, or the test is of nothing.
    wait_until("somebody reads", || {
        server.call::<String>("CLIENT LIST").contains("task.")
    });
    let _: String = server.call("TASK.SCHEDULE mail x ID newcomer");
    assert!(reader.join().unwrap().contains("event: page"));
}

#[test]
fn a_chart_fills_while_somebody_looks() {
    let server = Server::start();
    let _load = Load::on(&server, "busy");
    let web = Web::start(&server, &["--no-login"]);
    // Three samples, two rates.
    let read = web.stranger().stream_until("/queue?name=busy", " 118.0,");
    assert!(read.contains("done per second"), "{read}");
}

#[test]
fn nothing_is_asked_while_nobody_looks() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let stats = || -> u64 {
        let line = server.info("cmdstat_task.stats");
        line.split(['=', ',']).nth(1).map_or(0, |count| count.parse().unwrap())
    };
    web.stranger().stream_until("/", "mail");
    let before = stats();
    assert!(before > 0, "somebody looked");
    // A page that is open asks once in a second or two.
    let (mut last, mut since) = (stats(), Instant::now());
    wait_until("it is quiet", || {
        let now = stats();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_secs(5)
    });
}
