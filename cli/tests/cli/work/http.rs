//! `steward work --http`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Shop;
use crate::support::{Certificate, Running, steward, told, wait_until};

/// A server that answers what the body of a request says, a status and headers, and keeps the requests.
struct Web {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn start() -> Web {
        Web::with(None)
    }

    /// With TLS, if there is a certificate.
    fn with(tls: Option<Arc<ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let scheme = if tls.is_some() { "https" } else { "http" };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (kept, tls) = (Arc::clone(&kept), tls.clone());
                std::thread::spawn(move || match tls {
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), client), &kept),
                    None => serve(client, &kept),
                });
            }
        });
        let url = format!("{scheme}://127.0.0.1:{port}/tasks");
        Web { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request.
fn serve(client: impl Read + Write, kept: &Mutex<Vec<String>>) {
    let mut from = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        // One that does not trust us ends here.
        if !from.read_line(&mut head).is_ok_and(|length| length > 0) {
            return;
        }
    }
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap();
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    kept.lock().unwrap().push(format!("{head}{body}"));
    if body == "silence" {
        std::thread::sleep(crate::support::PATIENCE);
    }
    let answer = format!("HTTP/1.1 {body}\r\nContent-Length: 6\r\nConnection: close\r\n\r\nanswer");
    let _ = from.get_mut().write_all(answer.as_bytes());
}

fn work(shop: &Shop, web: &Web, options: &[&str]) -> Running {
    let words = [&["work", "q", "-c", "4", "--http", &web.url], options].concat();
    let mut command = steward(&words);
    command
        .env("REDIS_URL", shop.server.url())
        .current_dir(shop.stage.file(""));
    Running::start(&mut command)
}

#[test]
fn the_status_says_what_becomes_of_the_task() {
    let (shop, web) = (Shop::open(), Web::start());
    let answers = [
        ("200 OK", "done"),
        ("204 No Content", "done"),
        ("400 Bad Request", "dead"),
        ("410 Gone", "dead"),
        ("413 Too Large", "dead"),
        ("422 No", "dead"),
        ("429 Later\r\nRetry-After: 3600", "given back"),
        ("503 Later\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT", "given back"),
        ("503 Later", "failed"),
        ("404 Not Found", "failed"),
        ("401 Who", "failed"),
        ("302 Found\r\nLocation: /elsewhere", "failed"),
        ("500 Oops", "failed"),
    ];
    for (number, (answer, _)) in answers.iter().enumerate() {
        shop.add_with(&number.to_string(), answer.as_bytes(), &["BACKOFF", "FIXED", "3600000"]);
    }
    let _work = work(&shop, &web, &[]);
    for (number, (answer, expected)) in answers.iter().enumerate() {
        let id = number.to_string();
        let error = || shop.field::<Option<String>>(&id, "error");
        match *expected {
            "given back" => {
                shop.wait_for(&id, "scheduled");
                assert_eq!((shop.field::<u64>(&id, "attempt"), error()), (0, None), "{answer}");
            }
            "failed" => {
                shop.wait_for(&id, "scheduled");
                assert_eq!(shop.field::<u64>(&id, "attempt"), 1, "{answer}");
                assert_eq!(error().unwrap(), format!("http {}\nanswer", &answer[..3]));
            }
            state => shop.wait_for(&id, state),
        }
    }
    assert_eq!(shop.field::<String>("0", "result"), "answer");
    assert_eq!(shop.field::<String>("2", "error"), "http 400\nanswer");
    assert_eq!(web.requests().len(), answers.len(), "none is redirected");
}

#[test]
fn a_request_says_which_task_it_is_and_is_signed() {
    let (shop, web) = (Shop::open(), Web::start());
    shop.add_with("a", b"200 OK", &["KIND", "page.print"]);
    fs::write(shop.stage.file("headers"), "Authorization: Bearer x\n").unwrap();
    fs::write(shop.stage.file("key"), "secret\n").unwrap();
    let _work = work(&shop, &web, &["--header-file", "headers", "--sign-key-file", "key"]);
    shop.wait_for("a", "done");
    let request = web.requests()[0].clone();
    let head = request.to_lowercase();
    assert!(
        head.starts_with("post /tasks http/1.1\r\n") && request.ends_with("\r\n\r\n200 OK"),
        "{request}"
    );
    for line in [
        "authorization: bearer x",
        "idempotency-key: q/a",
        "steward-queue: q",
        "steward-id: a",
        "steward-attempt: 1",
        "steward-deliveries: 1",
        "steward-kind: page.print",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {request}");
    }
    let signature = head
        .lines()
        .find_map(|line| line.strip_prefix("steward-signature: t="))
        .unwrap();
    let (seconds, code) = signature.split_once(",v1=").unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now - seconds.parse::<u64>().unwrap() < 60);
    let script = format!("printf '{seconds}.200 OK' | openssl dgst -sha256 -hmac secret");
    let made = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(told(&made).1.ends_with(code), "{signature}");
}

#[test]
fn an_answer_that_does_not_come_is_a_failure_and_one_of_a_cancelled_task_is_not_waited_for() {
    let (shop, web) = (Shop::open(), Web::start());
    shop.add("slow", b"silence");
    let slow = work(&shop, &web, &["--timeout", "300ms"]);
    wait_until("it has failed", || {
        shop.field::<Option<String>>("slow", "error").is_some()
    });
    assert_eq!(shop.field::<String>("slow", "error"), "time limit 300ms");
    drop(slow);

    shop.add("cancelled", b"silence");
    let _work = work(&shop, &web, &[]);
    shop.wait_for("cancelled", "claimed");
    let _: redis::Value = shop.server.call("TASK.CANCEL q cancelled");
    wait_until("it is given up", || {
        shop.field::<Option<String>>("cancelled", "state").as_deref() != Some("claimed")
    });
}

#[test]
fn a_server_that_is_not_there_kills_no_task() {
    let shop = Shop::open();
    let web = Web {
        url: format!("http://127.0.0.1:{}/", crate::support::free_port()),
        requests: Arc::default(),
    };
    shop.add_with("a", b"", &["BACKOFF", "FIXED", "3600000"]);
    let _work = work(&shop, &web, &[]);
    shop.wait_for("a", "scheduled");
    assert!(shop.field::<String>("a", "error").starts_with("http: "));
}

#[test]
fn the_certificate_of_a_server_is_checked() {
    let (shop, certificate) = (Shop::open(), Certificate::new());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate.cert()).unwrap()],
            PrivateKeyDer::from_pem_file(certificate.key()).unwrap(),
        );
    let web = Web::with(Some(Arc::new(config.unwrap())));
    shop.add_with("a", b"200 OK", &["ATTEMPTS", "1000", "BACKOFF", "FIXED", "1"]);
    let doubting = work(&shop, &web, &[]);
    wait_until("it has failed", || shop.field::<Option<String>>("a", "error").is_some());
    let error: String = shop.field("a", "error");
    assert!(error.starts_with("http: ") && error.contains("certificate"), "{error}");
    assert!(web.requests().is_empty());
    drop(doubting);
    let cert = certificate.cert().display().to_string();
    let _trusting = work(&shop, &web, &["--http-ca-file", &cert]);
    shop.wait_for("a", "done");
    assert_eq!(shop.field::<String>("a", "result"), "answer");
}

#[test]
fn what_is_wrong_with_the_command_line_is_told_before_a_task_is_claimed() {
    let shop = Shop::open();
    fs::write(shop.stage.file("headers"), "no colon\n").unwrap();
    let headers = shop.stage.file("headers");
    for (words, code) in [
        (&["--http", "nowhere"][..], 64),
        (&["--http", "http://user:password@localhost/"], 64),
        (&["--http", "http://localhost/", "--", "cat"], 64),
        (&["--header-file", "x", "--", "cat"], 64),
        (
            &[
                "--http",
                "http://localhost/",
                "--header-file",
                headers.to_str().unwrap(),
            ],
            78,
        ),
        (&["--http", "http://localhost/", "--sign-key-file", "/nonexistent"], 78),
        (
            &[
                "--http",
                "https://localhost/",
                "--http-ca-file",
                headers.to_str().unwrap(),
            ],
            78,
        ),
        (&[], 64),
    ] {
        let (got, _, said) = shop.server.run(&[&["work", "q"], words].concat());
        assert_eq!(got, code, "{words:?}: {said}");
    }
}
