//! They are served to whoever asks.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{families, promtool, used};
use crate::support::{Running, Server, free_port, steward, wait_until};

/// A request: its status, its head and its body.
fn get(port: u16, path: &str, accept: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close");
    write!(stream, "{head}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().into(), head.into(), body.into())
}

/// Whether the other end has closed it. What it has said before is read.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut stream = stream;
    loop {
        match stream.read(&mut [0; 1_024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

fn listen(server: &Server) -> (Running, u16) {
    let port = free_port();
    let mut command = steward(&["metrics", "--listen", &format!("127.0.0.1:{port}")]);
    let running = Running::start(command.env("REDIS_URL", server.url()));
    wait_until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, port)
}

#[test]
fn they_are_served_while_queues_come_and_go_and_the_server_too() {
    let mut server = used();
    let (mut running, port) = listen(&server);
    let (status, head, body) = get(
        port,
        "/metrics",
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    );
    assert!(
        status.ends_with("200 OK") && head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"));
    let (_, head, body) = get(port, "/metrics?x=1", "text/plain");
    assert!(
        head.contains("text/plain; version=0.0.4") && !body.contains("EOF"),
        "{head}"
    );
    assert!(get(port, "/nothing", "*/*").0.ends_with("404 Not Found"));

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client();
            for n in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let queue = format!("q{}", n % 50);
                let _: redis::Value = redis::cmd("TASK.SCHEDULE")
                    .arg(&[&queue[..], "x", "KIND", "k"])
                    .query(&mut client)
                    .unwrap();
                let _: redis::Value = redis::cmd("TASK.DROP").arg(&queue).query(&mut client).unwrap();
            }
        });
        for _ in 0..50 {
            let (status, _, body) = get(port, "/metrics", "*/*");
            assert!(
                status.ends_with("200 OK") && body.contains("\nsteward_up 1\n"),
                "{body}"
            );
            assert_eq!(promtool(&["check", "metrics"], &body).0, 0);
        }
        is_over.store(true, Ordering::Relaxed);
    });

    std::thread::scope(|scope| {
        let scrapes: Vec<_> = (0..8).map(|_| scope.spawn(|| get(port, "/metrics", "*/*"))).collect();
        for scrape in scrapes {
            let (status, _, body) = scrape.join().unwrap();
            assert!(
                status.ends_with("200 OK") && body.contains("\nsteward_up 1\n"),
                "{body}"
            );
        }
    });

    server.kill();
    let body = get(port, "/metrics", "*/*").2;
    assert!(
        body.contains("\nsteward_up 0\n") && families(&body).len() == 1,
        "{body}"
    );
    server.start_again();
    assert!(get(port, "/metrics", "*/*").2.contains("\nsteward_up 1\n"));
    assert!(!running.has_ended());
}

#[test]
fn clients_that_say_nothing_or_nonsense_hold_up_nobody() {
    let server = Server::start();
    let (_running, port) = listen(&server);
    let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
    let silent: Vec<TcpStream> = (0..8).map(|_| connect()).collect();
    let mut nonsense = TcpStream::connect(("127.0.0.1", port)).unwrap();
    nonsense.write_all(b"\xff\x00\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    nonsense.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "));
    assert!(get(port, "/metrics", "*/*").0.ends_with("200 OK"));
    // With more of them there is no place, until they have been silent for too long.
    let more: Vec<TcpStream> = (0..16).map(|_| connect()).collect();
    wait_until("some are closed at once", || more.iter().any(is_closed));
    wait_until("all are closed", || silent.iter().chain(&more).all(is_closed));
    assert!(get(port, "/metrics", "*/*").0.ends_with("200 OK"));
    let long = format!("/{}", "x".repeat(1 << 20));
    let mut endless = connect();
    let _ = endless.write_all(format!("GET {long} HTTP/1.1\r\n").as_bytes());
    wait_until("it is closed", || is_closed(&endless));
    let (code, _, error) = server.run(&["metrics", "--listen", &format!("127.0.0.1:{port}")]);
    assert_eq!((code, error.lines().count()), (69, 1), "{error}");
    assert_eq!(server.run(&["metrics", "--once", "--url", "redis://127.0.0.1:1"]).0, 69);
}
