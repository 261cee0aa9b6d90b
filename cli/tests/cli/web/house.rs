//! What the pages, and `steward top`, show in tests.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use redis::cmd;

use crate::support::Server;

/// Tasks in all states, members, a leader, a recurring task. Members last as long as what this returns.
#[must_use]
pub(crate) fn furnish(server: &Server) -> redis::Connection {
    let mut bound = server.client();
    for (id, kind) in [("ann", "welcome"), ("bob", "bill"), ("cleo", "welcome")] {
        let _: String = server.call(&format!("TASK.SCHEDULE mail to:{id} ID {id} KIND {kind}"));
    }
    let _: String = server.call("TASK.SCHEDULE mail later ID dan DELAY 3600000");
    let _: String = server.call("TASK.SCHEDULE mail after ID eve AFTER 1 ann");
    for number in 0..6 {
        let kind = if number < 4 { "bill" } else { "welcome" };
        let error = if number < 4 { "no such address" } else { "quota" };
        let mut dead = cmd("TASK.SCHEDULE");
        dead.arg("mail")
            .arg(format!("dead letter {number}"))
            .arg("ID")
            .arg(format!("dead-{number}"));
        dead.arg("KIND")
            .arg(kind)
            .arg("USED")
            .arg(3)
            .arg("DEAD")
            .arg(format!("{error}\nline {number}"));
        let _: String = dead.query(&mut server.client()).unwrap();
    }
    let _: redis::Value = server.call("TASK.CLAIM mail worker-1 LEASE 3600000");
    join(&mut bound, "web", "m1", &["EXCLUSIVE"]);
    let token = join(&mut bound, "web", "m2", &[]);
    let _: redis::Value = cmd("HB.BEAT")
        .arg(&["web", "m2", "TOKEN"])
        .arg(token)
        .arg(&["STATUS", "busy", "CAMPAIGN"])
        .query(&mut bound)
        .unwrap();
    join(&mut bound, "mail", "m1", &[]);
    let mut digest = cmd("TASK.REPEAT");
    digest.arg(&[
        "mail",
        "digest",
        "the week",
        "CRON",
        "0 9 * * MON-FRI",
        "TZ",
        "Europe/Paris",
    ]);
    let _: i64 = digest.query(&mut server.client()).unwrap();
    let _: i64 = server.call("TASK.CANCEL mail dan");
    let _: String = server.call("TASK.SCHEDULE mail later ID dan DELAY 3600000");
    bound
}

/// Registers a member that lasts as long as this connection. Its token.
fn join(client: &mut redis::Connection, service: &str, member: &str, options: &[&str]) -> u64 {
    let mut register = cmd("PID.REGISTER");
    register
        .arg(&[service, member, "4711", "HOST", "a3", "TTL", "0", "BIND"])
        .arg(options);
    let reply: HashMap<String, redis::Value> = register.query(client).unwrap();
    redis::from_redis_value(reply["token"].clone()).unwrap()
}

/// A client that puts tasks in a queue and works on them, one of ten in vain, as long as this lasts.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn on(server: &Server, queue: &str) -> Load {
        let (mut client, queue) = (server.client(), queue.to_string());
        let ends = Arc::new(AtomicBool::new(false));
        let is_over = ends.clone();
        let thread = std::thread::spawn(move || {
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let _: String = cmd("TASK.SCHEDULE")
                    .arg(&queue)
                    .arg("x")
                    .arg("KIND")
                    .arg("step")
                    .query(&mut client)
                    .unwrap();
                let claimed: Vec<Vec<redis::Value>> =
                    cmd("TASK.CLAIM").arg(&queue).arg("w").query(&mut client).unwrap();
                let word = if number % 10 == 0 { "TASK.FAIL" } else { "TASK.ACK" };
                let (id, token) = (claimed[0][1].clone(), claimed[0][3].clone());
                let (id, token): (String, u64) = (
                    redis::from_redis_value(id).unwrap(),
                    redis::from_redis_value(token).unwrap(),
                );
                let _: redis::Value = cmd(word).arg(&queue).arg(id).arg(token).query(&mut client).unwrap();
            }
        });
        Load {
            ends,
            thread: Some(thread),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // One that has panicked fails the test by what it did not do.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Creates the four users of docs/reference/acl.md, each with the password `change-me`.
pub(crate) fn create_users(server: &Server) {
    let blocks = crate::manual::blocks_of("reference/acl.md", "");
    let lines = blocks.iter().flat_map(|block| block.lines());
    let mut created = 0;
    for line in lines.filter(|line| line.starts_with("ACL SETUSER")) {
        let _: String = server.call(line);
        created += 1;
    }
    assert_eq!(created, 4);
}
