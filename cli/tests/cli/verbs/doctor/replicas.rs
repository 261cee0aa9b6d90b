//! Replicas that are away, behind, of another version, or by another clock.

use redis::cmd;
use rustix::process::Signal;

use super::{HEALTHY, diagnosis, finds, healthy, preloaded, put, set};
use crate::support::{Plain, Server, Stage, send, steward, told, wait_until};

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
    let (primary, stage) = (healthy(), Stage::new());
    let shim = "#define _GNU_SOURCE\n#include <time.h>\n#include <sys/time.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
        int clock_gettime(clockid_t c, struct timespec *t) { int r = syscall(SYS_clock_gettime, c, t);\n\
        if (!r && (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE)) t->tv_sec += 60; return r; }\n\
        int gettimeofday(struct timeval *v, void *z) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t);\n\
        v->tv_sec = t.tv_sec; v->tv_usec = t.tv_nsec / 1000; return 0; }\n";
    let follow = ["--replicaof", "127.0.0.1", &primary.port.to_string()];
    let (_replica, url) = preloaded(&stage, shim, &follow);
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
    put(&primary, &[]);
    finds(&primary, "warning", "clock", "from that of its primary");

    // What became ready a minute ago by its clock has waited too long.
    wait_until("it has the task", || server_of(&url).contains("ready_tasks:1"));
    let _: () = cmd("REPLICAOF")
        .arg(&["NO", "ONE"])
        .query(&mut client_of(&url))
        .unwrap();
    wait_until("it waits", || {
        let (_, out, _) = told(&steward(&["doctor"]).env("REDIS_URL", &url).output().unwrap());
        out.contains("ready tasks have waited for too long: mail 1m") && out.contains("from that of this machine")
    });
}

#[test]
fn replicas_that_wait_for_their_first_copy_or_cannot_be_asked_are_found() {
    let primary = healthy();
    let follow = format!("{HEALTHY}\nreplicaof 127.0.0.1 {}", primary.port);
    let replica = Server::with(&follow);
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
    set(&replica, "requirepass", "secret");
    finds(&primary, "note", "replication", "cannot be reached from here");
    drop(replica);
    wait_until("it is gone", || primary.info("connected_slaves") == "0");

    set(&primary, "repl-diskless-sync-delay", "3600");
    let _replica = Server::with(&follow);
    wait_until("it waits", || primary.info("slave0").contains("state=wait_bgsave"));
    finds(&primary, "warning", "replication", "is not ready: wait_bgsave");
}

fn client_of(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

fn server_of(url: &str) -> String {
    cmd("INFO").arg("steward").query(&mut client_of(url)).unwrap()
}
