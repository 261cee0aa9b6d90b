//! Data that comes back, the same, after its server was killed.

use super::builder::Builder;
use super::history::History;
use super::{Client, Server, wait_until};

/// A random history on a server, whose data has to come back.
pub(crate) struct Recovery {
    /// The settings of the server.
    pub server: fn() -> Builder,
    /// The history.
    pub history: fn(&Server) -> History,
    /// Steps of the history.
    pub steps: usize,
    /// Checks what comes back once the timer runs again.
    pub goes_on: fn(&mut Client),
}

impl Recovery {
    /// From an append-only file, with and without a preamble, as it grew and rewritten.
    #[track_caller]
    pub(crate) fn after_a_kill(&self) {
        for preamble in ["yes", "no"] {
            let builder = (self.server)().append_always();
            let mut server = builder.set("aof-use-rdb-preamble", preamble).start();
            let mut client = server.client();
            let mut history = (self.history)(&server);
            history.run(&mut client, self.steps / 2);
            client.must("BGREWRITEAOF");
            history.run(&mut client, self.steps / 2);
            wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
            let digest = settled(&mut client);
            server.kill_9();
            server.start_again(&[("steward.timer", "no")]);
            let mut client = server.client();
            assert_eq!(client.digest(), digest, "preamble {preamble}");
            client.must("BGREWRITEAOF");
            wait_until("the rewrite is over", || client.info("aof_rewrite_in_progress") == "0");
            server.kill_9();
            server.start_again(&[]);
            let mut client = server.client();
            assert_eq!(client.digest(), digest, "rewritten, preamble {preamble}");
            (self.goes_on)(&mut client);
        }
    }

    /// From a snapshot, read again by the same server and by a new one.
    #[track_caller]
    pub(crate) fn after_a_snapshot(&self) {
        let mut server = (self.server)().start();
        let mut client = server.client();
        (self.history)(&server).run(&mut client, self.steps);
        let digest = settled(&mut client);
        client.save();
        client.must("DEBUG RELOAD");
        assert_eq!(client.digest(), digest);
        server.kill_9();
        server.start_again(&[("steward.timer", "no")]);
        let mut client = server.client();
        assert_eq!(client.digest(), digest);
        (self.goes_on)(&mut client);
    }
}

/// A replica that is killed once its append-only file is rewritten comes back from it as a primary with this data.
#[track_caller]
pub(crate) fn assert_own_file_is_right(mut replica: Server, digest: &str) {
    let mut there = replica.client();
    wait_until("the rewrite is over", || there.info("aof_rewrite_in_progress") == "0");
    replica.kill_9();
    replica.start_again(&[("steward.timer", "no"), ("replicaof", "no one")]);
    assert_eq!(replica.client().digest(), digest);
}

/// Stops the timer and returns the digest of the data.
#[track_caller]
pub(crate) fn settled(client: &mut Client) -> String {
    client.must("CONFIG SET steward.timer no");
    client.digest()
}
