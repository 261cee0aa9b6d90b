//! Pages change as the server does, and ask nothing while nobody looks.

use std::net::{Shutdown, TcpStream};
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
    // Two samples, from the left edge to the right one.
    let read = web.stranger().stream_until("/queue?name=busy", " 120.0,");
    assert!(
        read.contains("done per second: at most") && read.contains("when somebody began to look"),
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

/// What the server has used of a processor, in ms.
fn used(server: &Server) -> f64 {
    let part = |field: &str| server.info(field).parse::<f64>().unwrap() * 1_000.0;
    part("used_cpu_sys") + part("used_cpu_user")
}

/// Reads the overview as it changes, until this connection is shut.
fn read(web: &Web) -> TcpStream {
    let mut stream = web.stranger().with("Accept: text/event-stream").send("GET", "/", "");
    let connection = stream.get_ref().try_clone().unwrap();
    std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
    connection
}

#[test]
#[ignore = "figures: a first page and an open overview of a thousand queues, make long ARGS=--release"]
fn an_overview_of_a_thousand_queues_costs_the_server_little() {
    const LOOK: Duration = Duration::from_secs(60);
    let server = Server::start();
    let mut client = server.client();
    for n in 0..1_000 {
        let mut schedule = redis::cmd("TASK.MSCHEDULE");
        schedule.arg(format!("q{n}")).arg(1_000);
        for _ in 0..1_000 {
            schedule.arg("x");
        }
        let _: redis::Value = schedule.arg("KIND").arg("k").query(&mut client).unwrap();
    }
    let web = Web::start(&server, &["--no-login"]);
    let begun = Instant::now();
    let first = web.stranger().get("/");
    println!(
        "the first page of a thousand queues: {} ms",
        begun.elapsed().as_millis()
    );
    first.shows(&["1\u{2009}000\u{2009}000"]);
    for touched in [0, 1_000] {
        let mut costs = [0.0; 2];
        for (look, cost) in costs.iter_mut().enumerate() {
            let reader = (look == 1).then(|| read(&web));
            let (begun, before) = (Instant::now(), used(&server));
            while begun.elapsed() < LOOK {
                // Never empty.
                let mut touch = redis::pipe();
                touch.cmd("PING").ignore();
                for n in 0..touched {
                    touch
                        .cmd("TASK.SCHEDULE")
                        .arg(&[&format!("q{n}"), "x", "KIND", "k"])
                        .ignore();
                }
                let _: () = touch.query(&mut client).unwrap();
                std::thread::sleep(Duration::from_secs(1));
            }
            if let Some(reader) = reader {
                reader.shutdown(Shutdown::Both).unwrap();
            }
            *cost = (used(&server) - before) / LOOK.as_millis() as f64 * 100.0;
        }
        let [without, with] = costs;
        println!(
            "an open overview, {touched} queues used each second: {:.2} % of a core ({without:.2} % without)",
            with - without
        );
    }
}
