//! A disk that does not take what the server writes.

use super::{diagnosis, diagnosis_at, finds, has, healthy, preloaded};
use crate::support::{Stage, wait_until};

#[test]
fn a_snapshot_that_failed_is_found() {
    let server = healthy();
    let dir = server.call::<(String, String)>("CONFIG GET dir").1;
    std::fs::create_dir(format!("{dir}/dump.rdb")).unwrap();
    let _: redis::Value = server.call("BGSAVE");
    wait_until("it fails", || server.info("rdb_last_bgsave_status") == "err");
    let (code, found) = diagnosis(&server);
    assert_eq!(code, 2);
    assert!(
        found
            .iter()
            .any(|(_, check, what)| check == "persistence" && what.contains("rdb_last_bgsave_status")),
        "{found:?}"
    );
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
    finds(&server, "error", "persistence", "aof_last_bgrewrite_status is err");
}

#[test]
fn a_disk_that_is_too_busy_is_found() {
    let stage = Stage::new();
    let shim = "#include <unistd.h>\n#include <sys/syscall.h>\n\
        int fdatasync(int file) {\n\
        if (syscall(SYS_gettid) != getpid()) sleep(5); return syscall(SYS_fdatasync, file); }\n";
    let (_server, url) = preloaded(&stage, shim, &["--appendonly", "yes", "--maxmemory", "2gb"]);
    let mut client = redis::Client::open(&url[..]).unwrap().get_connection().unwrap();
    wait_until("commands have waited", || {
        let _: () = redis::cmd("SET").arg(&["key", "x"]).query(&mut client).unwrap();
        let info: String = redis::cmd("INFO").arg("persistence").query(&mut client).unwrap();
        !info.contains("aof_delayed_fsync:0\r")
    });
    let (code, found) = diagnosis_at(&url);
    assert!(
        code == 1 && has(&found, "warning", "persistence", "times the disk was too busy"),
        "{found:?}"
    );
}
