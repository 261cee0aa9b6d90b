//! What a restart would lose, and a disk that does not take what the server writes.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{HEALTHY, diagnosis_at, finds, has, healthy, preloaded, set};
use crate::support::{Server, Stage, wait_until};

/// Settings of a server of which only that is noted.
const EVERYSEC: [&str; 6] = ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory", "2gb"];

#[test]
fn data_that_is_not_stored_or_only_now_and_then_is_found() {
    let server = healthy();
    set(&server, "appendonly", "no");
    let remedy = "CONFIG SET appendonly yes, and only then in redis.conf";
    finds(&server, "warning", "persistence", "nothing is stored", remedy);
    set(&server, "save", "3600 1");
    finds(&server, "warning", "persistence", "only snapshots", remedy);
    set(&server, "appendonly", "yes");
    assert_eq!(super::diagnosis(&server), (0, Vec::new()));
}

/// On a server that has it, and on no other.
#[test]
fn threads_that_lose_answered_writes_are_found() {
    let server = Server::with(&format!("{HEALTHY}\nio-threads 2"));
    if super::is_redis_since(&server, (8, 6)) {
        let text = "with io-threads 2 loses answered writes in spite of appendfsync always";
        finds(
            &server,
            "error",
            "persistence",
            text,
            "io-threads 1 in redis.conf, and a restart",
        );
    } else {
        assert_eq!(super::diagnosis(&server), (0, Vec::new()));
    }
}

#[test]
fn a_snapshot_that_failed_is_found() {
    let server = healthy();
    let dir = server.call::<(String, String)>("CONFIG GET dir").1;
    std::fs::create_dir(format!("{dir}/dump.rdb")).unwrap();
    let _: redis::Value = server.call("BGSAVE");
    wait_until("it fails", || server.info("rdb_last_bgsave_status") == "err");
    let (text, remedy) = ("rdb_last_bgsave_status is err", format!("df -h {dir}"));
    finds(&server, "error", "persistence", text, &remedy);
}

#[test]
fn a_rewrite_that_failed_is_found() {
    let server = healthy();
    let dir = server.call::<(String, String)>("CONFIG GET dir").1;
    let place = format!("{dir}/appendonlydir");
    std::fs::rename(&place, format!("{dir}/before")).unwrap();
    std::fs::write(&place, "").unwrap();
    let _ = server.try_call::<redis::Value>("BGREWRITEAOF");
    wait_until("it fails", || server.info("aof_last_bgrewrite_status") == "err");
    let (text, remedy) = ("aof_last_bgrewrite_status is err", format!("df -h {dir}"));
    finds(&server, "error", "persistence", text, &remedy);
}

#[test]
fn a_file_that_cannot_be_written_is_found() {
    let stage = Stage::new();
    // Above the limit of a file's size, the kernel then refuses to write.
    let shim = "#include <signal.h>\n\
        __attribute__((constructor)) static void ignore(void) { signal(SIGXFSZ, SIG_IGN); }\n";
    let (server, url) = preloaded(&stage, shim, &EVERYSEC);
    let mut client = redis::Client::open(&url[..]).unwrap().get_connection().unwrap();
    let _: String = redis::cmd("TASK.SCHEDULE")
        .arg(&["mail", "x", "DELAY", "3600000"])
        .query(&mut client)
        .unwrap();
    let full = Rlimit {
        current: Some(1),
        maximum: None,
    };
    prlimit(Pid::from_raw(server.pid()), Resource::Fsize, full).unwrap();
    wait_until("it fails", || {
        // Refused once the server has noticed.
        let _ = redis::cmd("SET").arg(&["key", "x"]).exec(&mut client);
        let info: String = redis::cmd("INFO").arg("persistence").query(&mut client).unwrap();
        info.contains("aof_last_write_status:err")
    });
    let (code, found) = diagnosis_at(&url);
    let cannot = "the append-only file cannot be written";
    assert!(
        code == 2
            && has(&found, ["error", "persistence", cannot, "df -h "])
            && has(
                &found,
                [
                    "error",
                    "writes",
                    "writes are refused: MISCONF",
                    "end what the server says"
                ]
            ),
        "{found:?}"
    );
}

#[test]
fn a_disk_that_is_too_busy_is_found() {
    let stage = Stage::new();
    let shim = "#include <unistd.h>\n#include <sys/syscall.h>\n\
        int fdatasync(int file) {\n\
        if (syscall(SYS_gettid) != getpid()) sleep(5); return syscall(SYS_fdatasync, file); }\n";
    let (_server, url) = preloaded(&stage, shim, &EVERYSEC);
    let mut client = redis::Client::open(&url[..]).unwrap().get_connection().unwrap();
    wait_until("commands have waited", || {
        let _: () = redis::cmd("SET").arg(&["key", "x"]).query(&mut client).unwrap();
        let info: String = redis::cmd("INFO").arg("persistence").query(&mut client).unwrap();
        !info.contains("aof_delayed_fsync:0\r")
    });
    let (code, found) = diagnosis_at(&url);
    let busy = "the disk was too busy";
    assert!(
        code == 1 && has(&found, ["warning", "persistence", busy, "CONFIG RESETSTAT"]),
        "{found:?}"
    );
}
