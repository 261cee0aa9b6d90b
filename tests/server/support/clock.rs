//! A system clock that can be set, for the servers of one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::builder::Builder;
use super::client::Client;
use super::server::Server;
use super::{unix_ms, wait_until};

/// An hour, ms.
pub(crate) const HOUR: i64 = 3_600_000;

/// Adds the nanoseconds in the file `CLOCK_OFFSET` to the system clock; the monotonic clock is left alone. The second
/// number in the file, unless it is 0, takes the place of the first when the module next reads the clock: the server
/// itself asks `gettimeofday`.
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
static __thread int server;
__attribute__((constructor)) static void init(void) {
    int fd = open(getenv("CLOCK_OFFSET"), O_RDWR);
    void *map = mmap(0, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) offset = map;
}
static void shift(struct timespec *t) {
    int64_t ns = t->tv_nsec + (offset ? *offset : 0) % 1000000000;
    t->tv_sec += (offset ? *offset : 0) / 1000000000 + (ns >= 1000000000) - (ns < 0);
    t->tv_nsec = (ns + 1000000000) % 1000000000;
}
int clock_gettime(clockid_t clock, struct timespec *t) {
    int result = syscall(SYS_clock_gettime, clock, t);
    if (result || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
    if (!server && offset && offset[1]) { offset[0] = offset[1]; offset[1] = 0; }
    shift(t);
    return result;
}
int gettimeofday(struct timeval *v, void *zone) {
    struct timespec t;
    server = 1;
    clock_gettime(CLOCK_REALTIME, &t);
    server = 0;
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
    server = 1;
    clock_gettime(CLOCK_REALTIME, &t);
    server = 0;
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}
"#;

/// The clock.
pub(crate) struct Clock {
    dir: TempDir,
}

impl Clock {
    /// A clock that shows the true time.
    pub(crate) fn new() -> Clock {
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
    pub(crate) fn step(&self, ms: i64) {
        self.write(&[ms, 0]);
    }

    /// Does so when the module next reads it, as long as it has not.
    pub(crate) fn step_when_read(&self, ms: i64) {
        self.write(&[0, ms]);
    }

    fn write(&self, offsets: &[i64; 2]) {
        // In place: the server has the file mapped.
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.file("offset"))
            .unwrap();
        let bytes = offsets.map(|ms| (ms * 1_000_000).to_ne_bytes()).concat();
        file.write_all_at(&bytes, 0).unwrap();
    }

    /// A server that uses it.
    pub(crate) fn server(&self) -> Builder {
        let path = |name: &str| -> String { Path::new(&self.file(name)).display().to_string() };
        Server::builder()
            .env("LD_PRELOAD", &path("shim.so"))
            .env("CLOCK_OFFSET", &path("offset"))
    }
}

/// Fails the test unless the server's clock is so many milliseconds ahead.
#[track_caller]
pub(crate) fn assert_shows(client: &mut Client, ahead: i64) {
    wait_until("the step has reached the server", || {
        let shown: i64 = client.must("TIME").item(0).text().parse().unwrap();
        (shown * 1_000 - unix_ms() - ahead).abs() < 60_000
    });
}
