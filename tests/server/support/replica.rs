//! Replicas of a server.

use super::builder::Builder;
use super::client::Client;
use super::server::{Server, info_field};
use super::wait_until;

impl Server {
    /// A replica of this server, which must be `listening`; returns once it is in sync.
    #[track_caller]
    pub(crate) fn replica(&self) -> Server {
        self.replica_with(Server::builder())
    }

    /// Like `replica`, with settings.
    #[track_caller]
    pub(crate) fn replica_with(&self, builder: Builder) -> Server {
        let replica = builder
            .listening()
            .set("replicaof", &format!("127.0.0.1 {}", self.port()))
            .start();
        replica.follows(self);
        replica
    }

    /// Waits until this replica of a primary is in sync with it.
    #[track_caller]
    pub(crate) fn follows(&self, primary: &Server) {
        // Asked on a new connection each time, since Sentinel ends those of a server that it makes a replica.
        let told = |field: &str| {
            let client = Client::connect(&self.socket());
            let info = client.and_then(|mut client| client.try_call("INFO everything").ok());
            info.map(|info| info_field(&info, field))
        };
        wait_until("the replica is linked", || {
            told("master_link_status").as_deref() == Some("up")
        });
        // Once linked, it may take up to a second until the first command is sent to it.
        let mut here = primary.client();
        here.must("PUBLISH nobody x");
        wait_until("the replica is in step", || {
            told("master_repl_offset") == Some(here.info("master_repl_offset"))
        });
    }
}
