//! Every form of address leads to a server: a socket, TLS, the primary that sentinels know, the node of a cluster.

use std::process::Command;
use std::time::Duration;

use redis::{Value, cmd};
use rustix::process::Signal;

use crate::support::{Plain, Server, Stage, free_port, steward, told, wait_until};

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
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=test",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key",
            "-out",
            "cert",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(&dir)
        .output();
    assert!(made.is_ok_and(|made| made.status.success()), "needs openssl");
    let (port, dir) = (free_port(), dir.path().display().to_string());
    let _server = Server::with(&format!(
        "tls-port {port}\ntls-cert-file {dir}/cert\ntls-key-file {dir}/key\ntls-ca-cert-file {dir}/cert\ntls-auth-clients no"
    ));
    let url = format!("rediss://127.0.0.1:{port}");
    answers(&url, &["--tls-ca-file", &format!("{dir}/cert")]);
    let (code, _, error) = told(&steward(&["leader", "web", "--url", &url]).output().unwrap());
    assert_eq!(code, 69, "{error}");
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
}

#[test]
fn a_program_runs_on_over_a_failover_by_sentinel() {
    let mut primary = Server::start();
    let replica = Server::with(&format!("replicaof 127.0.0.1 {}", primary.port));
    let port = primary.port;
    let sentinel = Plain::with(
        &format!(
            "sentinel monitor main 127.0.0.1 {port} 1\nsentinel down-after-milliseconds main 500\n\
             sentinel failover-timeout main 3000\n"
        ),
        &["--sentinel"],
    );
    let away = free_port();
    let url = format!("redis+sentinel://127.0.0.1:{away},127.0.0.1:{}/main", sentinel.port());
    let stage = Stage::new();
    let mut lead = stage.lead("a", &url, &["--member", "a", "--ttl", "30s"], "exec sleep 600");
    stage.wait_for_start(1);
    wait_until("the replica has it", || replica.members("web") == ["a"]);
    wait_until("the register shows the program", || primary.run(&["pid", "web"]).0 == 0);
    wait_until("the sentinel knows the replica", || {
        let known: Value = cmd("SENTINEL")
            .arg("REPLICAS")
            .arg("main")
            .query(&mut sentinel.client())
            .unwrap();
        format!("{known:?}").contains("bulk-string('\"master-link-status\"'), bulk-string('\"ok\"')")
    });
    primary.kill();
    wait_until("it leads at the replica", || {
        let role = replica.try_call::<Vec<Value>>("ROLE");
        role.is_ok_and(|role| role[0] == Value::BulkString(b"master".to_vec()))
            && replica.try_call("PID.GET web a connections") == Ok(Some(1_u32))
    });
    // What the failover did to it, if anything, shows by then.
    std::thread::sleep(Duration::from_millis(100));
    assert!(!lead.has_ended());
    assert_eq!(stage.starts().len(), 1);
    let epoch = replica.call::<Vec<String>>("HB.LEADER web")[3].clone();
    let words = ["fenced", "web", &epoch, "--url", &url, "--", "SET", "{web}a", "1"];
    assert_eq!(told(&steward(&words).output().unwrap()).0, 0);
    lead.signal(Signal::TERM);
    assert_eq!(lead.end().0, Some(143));
    assert!(replica.members("web").is_empty());
}
