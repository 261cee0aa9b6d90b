//! Replicas that are away, behind, of another version, or by another clock.

use redis::cmd;
use rustix::process::Signal;

use super::{HEALTHY, diagnosis, diagnosis_at, finds, has, healthy, library, preloaded, put, set};
use crate::support::{Plain, Server, Stage, send, wait_until};

fn follow(primary: &Server) -> String {
    format!("{HEALTHY}\nreplicaof 127.0.0.1 {}", primary.port)
}

fn wait_for_replica(primary: &Server) {
    wait_until("it follows", || primary.info("slave0").contains("state=online"));
}

#[test]
fn replicas_with_another_version_of_the_module_or_none_are_found() {
    let (primary, stage) = (healthy(), Stage::new());
    // All that a replica tells of a module is its name and version.
    let source = "int RedisModule_OnLoad(void **context) {\n\
        int (*get)(const char *, void *) = context[0];\n\
        void (*attributes)(void *, const char *, int, int);\n\
        get(\"RedisModule_SetModuleAttribs\", &attributes);\n\
        attributes(context, \"steward\", 99, 1); return 0; }\n";
    let other = library(&stage, source);
    let remedy = "the same version on all nodes";
    for (args, text) in [
        (&[][..], "and none on the replica 127.0.0.1:"),
        (
            &["--loadmodule", other.to_str().unwrap()],
            "and 0.0.99 on the replica 127.0.0.1:",
        ),
    ] {
        let replica = Plain::with(&follow(&primary).replace(HEALTHY, ""), args);
        wait_for_replica(&primary);
        finds(&primary, "error", "version", text, remedy);
        drop(replica);
        wait_until("it is gone", || primary.info("connected_slaves") == "0");
    }
}

#[test]
fn replicas_that_are_behind_silent_or_cut_off_are_found() {
    let primary = healthy();
    let replica = Server::with(&follow(&primary));
    wait_for_replica(&primary);
    put(&primary, &[]);
    assert_eq!(diagnosis(&primary), (0, Vec::new()));
    let text = format!("this is a replica of 127.0.0.1:{}", primary.port);
    let remedy = format!("steward doctor --url redis://127.0.0.1:{}", primary.port);
    wait_until("it has the task", || replica.info("steward_ready_tasks") == "1");
    finds(&replica, "note", "replication", &text, &remedy);

    let payload = "x".repeat(1 << 20);
    let schedule = || {
        let words = ["mail", "3", &payload, &payload, &payload, "DELAY", "3600000"];
        let mut put = cmd("TASK.MSCHEDULE");
        let _: Vec<String> = put.arg(&words).query(&mut primary.client()).unwrap();
    };
    // What it acknowledged a moment ago is not all that it has.
    schedule();
    let offset = |server: &Server, of: &str| server.info(of).parse::<u64>().unwrap();
    let sent = offset(&primary, "master_repl_offset");
    wait_until("it has it", || offset(&replica, "slave_repl_offset") >= sent);
    assert_eq!(diagnosis(&primary), (0, Vec::new()));

    let pid: i32 = replica.info("process_id").parse().unwrap();
    send(pid, Signal::STOP);
    schedule();
    let (code, found) = diagnosis(&primary);
    send(pid, Signal::CONT);
    let behind = ["warning", "replication", "bytes behind", "min-replicas-to-write 1"];
    let unheard = ["note", "replication", "cannot be asked from here", "run this where"];
    assert!(code == 1 && has(&found, behind) && has(&found, unheard), "{found:?}");

    let acknowledged = || {
        primary
            .info("slave0")
            .contains(&format!("offset={}", primary.info("master_repl_offset")))
    };
    wait_until("it acknowledges all", acknowledged);
    send(pid, Signal::STOP);
    wait_until("it was not heard for long", || {
        let told = primary.info("slave0");
        let lag = told.split(',').find_map(|field| field.strip_prefix("lag=")).unwrap();
        lag.parse::<u32>().unwrap() > 10
    });
    let (code, found) = diagnosis(&primary);
    send(pid, Signal::CONT);
    let silent = [
        "warning",
        "replication",
        "bytes behind and was last heard 1",
        "min-replicas-to-write 1",
    ];
    assert!(code == 1 && has(&found, silent), "{found:?}");

    drop(primary);
    wait_until("it notices", || replica.info("master_link_status") == "down");
    let (code, found) = diagnosis(&replica);
    let down = ["error", "replication", "is down", "REPLICAOF NO ONE"];
    assert!(code == 2 && has(&found, down), "{found:?}");
}

#[test]
fn clocks_that_are_wrong_are_found() {
    let (primary, stage) = (healthy(), Stage::new());
    let shim = "#define _GNU_SOURCE\n#include <time.h>\n#include <sys/time.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
        int clock_gettime(clockid_t c, struct timespec *t) { int r = syscall(SYS_clock_gettime, c, t);\n\
        if (!r && (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE)) t->tv_sec += 60; return r; }\n\
        int gettimeofday(struct timeval *v, void *z) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t);\n\
        v->tv_sec = t.tv_sec; v->tv_usec = t.tv_nsec / 1000; return 0; }\n";
    let follow = ["--replicaof", "127.0.0.1", &primary.port.to_string()];
    let (_replica, url) = preloaded(&stage, shim, &follow);
    wait_for_replica(&primary);
    put(&primary, &[]);
    finds(
        &primary,
        "warning",
        "clock",
        "ahead of that of its primary",
        "chrony or ntpd",
    );

    // What became ready a minute ago by its clock has waited too long.
    wait_until("it has the task", || server_of(&url).contains("ready_tasks:1"));
    let _: () = cmd("REPLICAOF")
        .arg(&["NO", "ONE"])
        .query(&mut client_of(&url))
        .unwrap();
    wait_until("it waits", || {
        let (_, found) = diagnosis_at(&url);
        let late = "ready tasks wait for too long: mail 1m";
        let ahead = ["warning", "clock", "ahead of that of this machine", "chrony or ntpd"];
        has(&found, ["warning", "waiting", late, "steward workers mail shows"]) && has(&found, ahead)
    });
    let (_, found) = diagnosis_at(&url);
    let cause = "(1 task is ready, and no client waits for one)";
    assert!(has(&found, ["warning", "waiting", cause, "start more"]), "{found:?}");
}

#[test]
fn replicas_that_wait_for_their_first_copy_or_cannot_be_asked_are_found() {
    let primary = healthy();
    let replica = Server::with(&follow(&primary));
    wait_for_replica(&primary);
    set(&replica, "requirepass", "secret");
    let (text, remedy) = ("cannot be asked from here: NOAUTH", "run this where it can be reached");
    finds(&primary, "note", "replication", text, remedy);
    drop(replica);
    wait_until("it is gone", || primary.info("connected_slaves") == "0");

    set(&primary, "repl-diskless-sync-delay", "3600");
    let _replica = Server::with(&follow(&primary));
    wait_until("it waits", || primary.info("slave0").contains("state=wait_bgsave"));
    let text = "is not ready: wait_bgsave";
    finds(&primary, "warning", "replication", text, "wait for its first copy");
}

fn client_of(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

fn server_of(url: &str) -> String {
    cmd("INFO").arg("steward").query(&mut client_of(url)).unwrap()
}
