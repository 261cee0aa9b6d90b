//! Steps of the system clock: due times follow it, leases do not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Client, Server, unix_ms, wait_until};

/// Adds the nanoseconds in the file `CLOCK_OFFSET` to the system clock; the monotonic clock is left alone.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t *offset;
__attribute__((constructor)) static void init(void) {
    int fd = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    void *map = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) offset = map;
}
static void shift(struct timespec *t) {
    int64_t ns = t->tv_nsec + (offset ? *offset : 0) % 1000000000;
    t->tv_sec += (offset ? *offset : 0) / 1000000000 + (ns >= 1000000000) - (ns < 0);
    t->tv_nsec = (ns + 1000000000) % 1000000000;
}
int clock_gettime(clockid_t clock, struct timespec *t) {
    int result = syscall(SYS_clock_gettime, clock, t);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(t);
    return result;
}
int gettimeofday(struct timeval *v, void *zone) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    v->tv_sec = t.tv_sec; v->tv_usec = t.tv_nsec / 1000;
    return 0;
}
/* Some servers load modules with symbols of their own libraries first: then a module would not see us. */
void *dlopen(const char *file, int flags) {
    void *(*real)(const char *, int) = dlsym(RTLD_NEXT, "dlopen");
    return real(file, flags & ~RTLD_DEEPBIND);
}
time_t time(time_t *out) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}
"#;

/// A clock that can be set, for one server.
struct Clock {
    dir: TempDir,
}

impl Clock {
    fn new() -> Clock {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("shim.c"), SHIM).unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o", "shim.so", "shim.c", "-ldl"])
            .current_dir(dir.path())
            .status();
        assert!(built.expect("a C compiler, as cargo needs one to link").success());
        let clock = Clock { dir };
        clock.step(0);
        clock
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets the clock so many milliseconds ahead of the true time.
    fn step(&self, ms: i64) {
        // In place: the server has the file mapped.
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.file("offset"))
            .unwrap();
        file.write_all_at(&(ms * 1_000_000).to_ne_bytes(), 0).unwrap();
    }

    fn server(&self) -> Server {
        let path = |name: &str| -> String { Path::new(&self.file(name)).display().to_string() };
        Server::builder()
            .env("LD_PRELOAD", &path("shim.so"))
            .env("CLOCK_OFFSET", &path("offset"))
            .start()
    }
}

const HOUR: i64 = 3_600_000;

/// Fails the test unless the server's clock is so many milliseconds ahead.
#[track_caller]
fn assert_shows(client: &mut Client, ahead: i64) {
    wait_until("the step has reached the server", || {
        let shown: i64 = client.must("TIME").item(0).text().parse().unwrap();
        (shown * 1_000 - unix_ms() - ahead).abs() < 60_000
    });
}

#[test]
fn a_step_forward_makes_due_what_is_due_and_ends_no_lease() {
    let clock = Clock::new();
    let server = clock.server();
    let mut client = server.client();
    client.schedule("q x ID held");
    let (_, token) = client.claim("q w LEASE 600000");
    client.schedule(&format!("q x ID soon AT {}", unix_ms() + HOUR / 2));
    client.schedule(&format!("q x ID later AT {}", unix_ms() + 3 * HOUR));
    assert_eq!(client.counts("q"), "scheduled 2 claimed 1");
    clock.step(HOUR);
    assert_shows(&mut client, HOUR);
    wait_until("the task of the skipped hour is ready", || {
        client.counts("q") == "scheduled 1 ready 1 claimed 1"
    });
    assert_eq!(client.listed("q", "ready"), ["soon"]);
    assert!((500_000..=600_000).contains(&client.call("TASK.GET q held").field("left").int()));
    assert_eq!(client.call(&format!("TASK.ACK q held {token}")), "+OK");
    let due = client.must("TASK.SCHEDULE q x ID new DELAY 5000");
    assert_eq!(due, "'new'");
    let due = client.call("TASK.GET q new").field("due").int();
    assert!(due > unix_ms() + HOUR, "a delay counts from the new time");
}

#[test]
fn a_step_back_freezes_nothing() {
    let clock = Clock::new();
    let server = clock.server();
    let mut client = server.client();
    client.schedule("q x ID held");
    let (_, token) = client.claim("q w LEASE 300");
    clock.step(-HOUR);
    assert_shows(&mut client, -HOUR);
    client.schedule("q x ID soon DELAY 100 PRIORITY 9");
    wait_until("the lease ends and the task is due", || client.counts("q") == "ready 2");
    assert_eq!(client.call(&format!("TASK.ACK q held {token}")).code(), "STALE");
    let (_, newer) = client.claim("q w LEASE 100");
    assert!(newer > token, "fences grow, whatever the clock says");
    let (first, second) = (client.schedule("q x"), client.schedule("q x"));
    assert!(first < second);
    wait_until("another lease ends", || client.counts("q") == "ready 4");
    clock.step(0);
    client.schedule("q x DELAY 50");
    wait_until("time goes on", || client.counts("q") == "ready 5");
}
