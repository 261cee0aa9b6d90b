//! `leader`, `pid` and `fenced`.

use crate::support::{Server, Stage, wait_until};

#[test]
fn the_leader_its_process_and_its_epoch_are_told() {
    let server = Server::start();
    let stage = Stage::new();
    let _lead = stage.lead(
        "a",
        &server.url(),
        &["--member", "a"],
        "echo $STEWARD_EPOCH >epoch; exec sleep 600",
    );
    let start = stage.wait_for_start(1);
    wait_until("the register shows the program", || {
        server.run(&["pid", "web"]) == (0, start.pid.to_string(), String::new())
    });
    assert_eq!(server.run(&["pid", "web", "a"]).1, start.pid.to_string());
    let epoch = server.call::<Vec<String>>("HB.LEADER web")[3].clone();
    assert_eq!(crate::support::lines(&stage.file("epoch")).concat(), epoch);

    let (code, told, _) = server.run(&["leader", "web"]);
    assert_eq!(code, 0);
    assert!(
        told.starts_with("a leads since 20") && told.contains(&format!("pid {}", start.pid)),
        "{told}"
    );
    let (_, told, _) = server.run(&["-o", "json", "leader", "web"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (told["member"].as_str(), &told["epoch"].to_string()),
        (Some("a"), &epoch)
    );
    let (_, told, _) = server.run(&["pid", "-o", "json", "web"]);
    assert!(told.contains(&format!("\"pid\":{}", start.pid)), "{told}");
}

#[test]
fn a_pid_is_printed_only_where_its_process_runs() {
    let server = Server::start();
    let (code, out, error) = server.run(&["pid", "web"]);
    assert_eq!((code, &out[..], &error[..]), (1, "", "steward: nobody leads web"));
    assert_eq!(server.run(&["leader", "web"]).0, 1);
    let (code, _, error) = server.run(&["pid", "web", "b1"]);
    assert_eq!(
        (code, &error[..]),
        (1, "steward: b1 is not a member of web with a process")
    );

    let _: redis::Value = server.call("PID.REGISTER web b1 4711 HOST elsewhere EXCLUSIVE");
    for words in [&["pid", "web"][..], &["pid", "web", "b1"]] {
        let told = server.run(words);
        assert_eq!(told, (1, String::new(), "steward: pid 4711 on elsewhere".into()));
    }
    // Its number is taken, by another process: that of this test.
    let host = rustix::system::uname().nodename().to_str().unwrap().to_string();
    let ours = std::process::id();
    let _: redis::Value = server.call(&format!("PID.REGISTER web b2 {ours} HOST {host} START 1 BOOT x"));
    let (code, out, error) = server.run(&["pid", "web", "b2"]);
    assert_eq!((code, &out[..]), (1, ""));
    assert!(error.contains("has ended"), "{error}");
}

#[test]
fn a_fenced_command_runs_only_while_that_leader_leads() {
    let mut server = Server::start();
    let stage = Stage::new();
    let script = "echo $STEWARD_EPOCH >epoch; exec sleep 600";
    let mut lead = stage.lead("a", &server.url(), &["--ttl", "10s"], script);
    stage.wait_for_start(1);
    wait_until("it has its epoch", || stage.file("epoch").exists());
    let epoch = std::fs::read_to_string(stage.file("epoch")).unwrap().trim().to_string();
    let fenced = |server: &Server, value: &str| server.run(&["fenced", "web", &epoch, "--", "SET", "{web}a", value]);
    assert_eq!(fenced(&server, "1"), (0, "OK".into(), String::new()));

    // A restart gives it a new epoch; it is the same leader.
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    server.kill();
    server.start_again();
    let now = |server: &Server| {
        server
            .call::<Option<Vec<String>>>("HB.LEADER web")
            .map(|fields| fields[3].clone())
    };
    wait_until("it has a new one", || now(&server).is_some_and(|now| now != epoch));
    assert_eq!(fenced(&server, "2"), (0, "OK".into(), String::new()));
    assert_eq!(server.call::<String>("GET {web}a"), "2");
    assert_eq!(stage.starts().len(), 1);

    let _next = stage.lead("b", &server.url(), &[], "exec sleep 600");
    server.wait_for_members("web", 2);
    lead.signal(rustix::process::Signal::TERM);
    lead.wait();
    assert_eq!(stage.wait_for_start(2).name, "b");
    wait_until("the register shows the program", || server.run(&["pid", "web"]).0 == 0);
    let (code, _, error) = fenced(&server, "3");
    assert_eq!(code, 75);
    assert!(error.contains("FENCED"), "{error}");
    assert_eq!(server.call::<String>("GET {web}a"), "2");
}
