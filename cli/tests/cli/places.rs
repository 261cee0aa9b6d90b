//! Every form of address leads to a server: a socket, TLS, the primary that sentinels know, the node of a cluster.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Certificate, Running, Server, Stage, Standby, free_port, steward, told, wait_until};

/// Asks who leads, and expects nobody.
#[track_caller]
fn answers(url: &str, words: &[&str]) {
    let words = [&["leader", "web", "--url", url], words].concat();
    let (code, _, error) = told(&steward(&words).output().unwrap());
    assert_eq!((code, &error[..]), (1, "steward: nobody leads web"), "{url}");
}

#[test]
fn a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let _server = Server::with(&format!("unixsocket {}", socket.display()));
    answers(&format!("unix://{}", socket.display()), &[]);
    let (code, _, error) = told(
        &steward(&["leader", "web", "--url", "unix:///nonexistent"])
            .output()
            .unwrap(),
    );
    assert_eq!(code, 69, "{error}");
}

#[test]
fn tls_with_an_authority_of_our_own() {
    let (port, certificate) = (free_port(), Certificate::new());
    let (cert, key) = (certificate.cert(), certificate.key());
    let (cert, key) = (cert.display(), key.display());
    let server = Server::with(&format!(
        "tls-port {port}\ntls-cert-file {cert}\ntls-key-file {key}\ntls-ca-cert-file {cert}\ntls-auth-clients no"
    ));
    let (url, cert) = (format!("rediss://127.0.0.1:{port}"), cert.to_string());
    answers(&url, &["--tls-ca-file", &cert]);
    let (code, _, error) = told(&steward(&["leader", "web", "--url", &url]).output().unwrap());
    assert_eq!(code, 69, "{error}");

    // What a worker was given, its programs are given too.
    let _: String = server.call("TASK.SCHEDULE q x ID a RETAIN 3600000");
    let script = format!("{} progress 40", env!("CARGO_BIN_EXE_steward"));
    let words = [
        "work",
        "q",
        "--url",
        &url,
        "--tls-ca-file",
        &cert,
        "--",
        "sh",
        "-c",
        &script,
    ];
    let _work = Running::start(&mut steward(&words));
    wait_until("it is done", || {
        let end: Option<Vec<Option<String>>> = server.call("TASK.RESULT q a");
        end.is_some_and(|end| end[1].as_deref() == Some("done") && end[7].as_deref() == Some("40"))
    });
}

#[test]
fn the_node_of_a_cluster_that_has_the_service() {
    let nodes = Server::cluster();
    let away = free_port();
    let url = format!("redis+cluster://127.0.0.1:{away},127.0.0.1:{}", nodes[0].port);
    let stage = Stage::new();
    // Both nodes have one of these.
    for (service, number) in [("web", 1), ("mail", 2)] {
        let slot: u16 = nodes[0].call(&format!("CLUSTER KEYSLOT {service}"));
        let words = [
            "lead",
            service,
            "--url",
            &url,
            "--",
            "sh",
            "-c",
            "echo $STEWARD_EPOCH >>led; exit 3",
        ];
        let (code, _, error) = told(&steward(&words).current_dir(stage.file("")).output().unwrap());
        assert_eq!((code, &error[..]), (3, ""), "slot {slot}");
        assert_eq!(crate::support::lines(&stage.file("led")).len(), number);
    }
    let slots = ["web", "mail"].map(|name| nodes[0].call::<u16>(&format!("CLUSTER KEYSLOT {name}")) > 8191);
    assert_ne!(slots[0], slots[1], "they are on different nodes");
    for (queue, is_second) in ["web", "mail"].into_iter().zip(slots) {
        let node = &nodes[usize::from(is_second)];
        let _: String = node.call(&format!("TASK.SCHEDULE {queue} x ID a RETAIN 3600000"));
        let _work = Running::start(&mut steward(&["work", queue, "--url", &url, "--", "cat"]));
        wait_until("it is done", || {
            node.call::<Option<Vec<Option<String>>>>(&format!("TASK.RESULT {queue} a"))
                .is_some()
        });
    }
    for (name, is_second) in ["web", "mail"].into_iter().zip(slots) {
        let url = nodes[usize::from(!is_second)].url();
        for words in [
            &["leader", name][..],
            &["lead", name, "--", "cat"],
            &["work", name, "--", "cat"],
        ] {
            let (code, _, error) = told(&steward(&[&["--url", &url], words].concat()).output().unwrap());
            assert_eq!(code, 64, "{words:?}: {error}");
            assert!(error.contains("use redis+cluster://"), "{error}");
        }
    }
    let words = ["work", "web", "mail", "--url", &url, "--", "cat"];
    let (code, _, error) = told(&steward(&words).output().unwrap());
    assert_eq!(code, 64, "{error}");
    assert!(error.contains("the same tag in braces"), "{error}");
}

#[test]
fn a_program_runs_on_over_a_failover_by_sentinel() {
    let (mut server, stage) = (Server::start(), Stage::new());
    let mut standby = Standby::of(&server);
    let url = standby.url();
    let mut lead = stage.lead("a", &url, &["--member", "a", "--ttl", "30s"], "exec sleep 600");
    stage.wait_for_start(1);
    let pid = |server: &Server| server.run(&["pid", "web"]).1;
    wait_until("the register shows the program", || !pid(&server).is_empty());
    wait_until("the replica has it", || pid(&standby.server) == pid(&server));
    standby.take_over(&mut server);
    wait_until("it leads at the replica", || {
        server.try_call("PID.GET web a connections") == Ok(Some(1_u32))
    });
    // What the failover did to it, if anything, shows by then.
    std::thread::sleep(Duration::from_millis(100));
    assert!(!lead.has_ended());
    assert_eq!(stage.starts().len(), 1);
    let epoch = server.call::<Vec<String>>("HB.LEADER web")[3].clone();
    let words = ["fenced", "web", &epoch, "--url", &url, "--", "SET", "{web}a", "1"];
    assert_eq!(told(&steward(&words).output().unwrap()).0, 0);
    lead.signal(Signal::TERM);
    assert_eq!(lead.end().0, Some(143));
    assert!(server.members("web").is_empty());
}
