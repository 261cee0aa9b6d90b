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
fn the_kinds_have_lines_while_somebody_looks() {
    let server = Server::start();
    let _load = Load::on(&server, "busy");
    let web = Web::start(&server, &["--no-login"]);
    let read = web.stranger().stream_until("/kinds", " 118.0,");
    assert!(
        read.contains("Failed of a hundred runs") && read.contains("How long a run took"),
        "{read}"
    );
}

/// How many calls the server has answered, other than these questions.
fn calls(server: &Server) -> u64 {
    let stats: String = server.call("INFO commandstats");
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let is_ours = name == "info" || name.starts_with("client|") || name == "hello";
        rest.split(',').next()?.parse::<u64>().ok().filter(|_| !is_ours)
    };
    stats.lines().filter_map(calls).sum()
}

#[test]
fn nothing_is_asked_while_nobody_looks() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--no-login"]);
    let before = calls(&server);
    for path in [
        "/",
        "/queue?name=mail",
        "/kinds",
        "/service?name=web",
        "/cron",
        "/events",
    ] {
        web.stranger().stream_until(path, "</h1>");
    }
    assert!(calls(&server) > before, "somebody looked");
    // A page that is open asks once in a second or two.
    let (mut last, mut since) = (calls(&server), Instant::now());
    wait_until("it is quiet", || {
        let now = calls(&server);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_secs(5)
    });
}
