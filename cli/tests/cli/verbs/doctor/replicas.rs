//! Replicas that are away, behind, of another version, or by another clock.

use std::process::Command;

use redis::cmd;
use rustix::process::Signal;

use super::{HEALTHY, diagnosis, finds, healthy, put};
use crate::support::{Plain, Running, Server, Stage, free_port, module, send, steward, told, wait_until};

#[test]
fn replicas_that_are_away_behind_or_without_the_module_are_found() {
    let primary = healthy();
    let follow = format!("replicaof 127.0.0.1 {}", primary.port);
    let plain = Plain::with(&follow, &[]);
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
    finds(&primary, "error", "version", "and none on the replica");
    drop(plain);
    wait_until("it is gone", || primary.info("connected_slaves") == "0");

    let replica = Server::with(&format!("{HEALTHY}\n{follow}"));
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
    assert_eq!(diagnosis(&primary), (0, Vec::new()));
    finds(&replica, "note", "replication", "this is a replica of");

    let pid: i32 = replica.info("process_id").parse().unwrap();
    send(pid, Signal::STOP);
    let payload = "x".repeat(1 << 20);
    for _ in 0..3 {
        let _: String = cmd("TASK.SCHEDULE")
            .arg(&["mail", &payload, "DELAY", "3600000"])
            .query(&mut primary.client())
            .unwrap();
    }
    let (code, found) = diagnosis(&primary);
    send(pid, Signal::CONT);
    assert!(
        code == 1
            && found
                .iter()
                .any(|(_, check, what)| check == "replication" && what.contains("bytes behind")),
        "{found:?}"
    );

    drop(primary);
    wait_until("it notices", || replica.info("master_link_status") == "down");
    let (code, found) = diagnosis(&replica);
    assert!(
        code == 2 && found.iter().any(|(_, _, what)| what.contains("is down")),
        "{found:?}"
    );
}

#[test]
fn a_replica_whose_clock_is_wrong_is_found() {
    let (primary, stage, port) = (healthy(), Stage::new(), free_port());
    let shim = "#define _GNU_SOURCE\n#include <time.h>\n#include <sys/time.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
        int clock_gettime(clockid_t c, struct timespec *t) { int r = syscall(SYS_clock_gettime, c, t);\n\
        if (!r && (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE)) t->tv_sec += 60; return r; }\n\
        int gettimeofday(struct timeval *v, void *z) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t);\n\
        v->tv_sec = t.tv_sec; v->tv_usec = t.tv_nsec / 1000; return 0; }\n";
    std::fs::write(stage.file("shim.c"), shim).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o", "shim.so", "shim.c"])
        .current_dir(stage.file(""));
    assert!(cc.status().unwrap().success());
    let binary = std::env::var("STEWARD_SERVER").unwrap_or_else(|_| "redis-server".into());
    let mut server = Command::new(binary);
    server.args(["--port", &port.to_string(), "--save", "", "--loadmodule", &module()]);
    server.args(["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    server
        .env("LD_PRELOAD", stage.file("shim.so"))
        .current_dir(stage.file(""))
        .stdout(std::process::Stdio::null());
    let _replica = Running::start(&mut server);
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
    put(&primary, &[]);
    finds(&primary, "warning", "clock", "from that of its primary");

    // What became ready a minute ago by its clock has waited too long.
    wait_until("it has the task", || server_of(port).contains("ready_tasks:1"));
    let _: () = cmd("REPLICAOF")
        .arg(&["NO", "ONE"])
        .query(&mut client_of(port))
        .unwrap();
    let url = format!("redis://127.0.0.1:{port}");
    wait_until("it waits", || {
        let (_, out, _) = told(&steward(&["doctor"]).env("REDIS_URL", &url).output().unwrap());
        out.contains("ready tasks wait for too long: mail 1m") && out.contains("from that of this machine")
    });
}

fn client_of(port: u16) -> redis::Connection {
    redis::Client::open(format!("redis://127.0.0.1:{port}"))
        .unwrap()
        .get_connection()
        .unwrap()
}

fn server_of(port: u16) -> String {
    cmd("INFO").arg("steward").query(&mut client_of(port)).unwrap()
}
