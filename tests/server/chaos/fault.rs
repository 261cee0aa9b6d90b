//! The servers of a round, and what happens to them.

use super::settle::{Promise, Seen};
use crate::support::builder::Builder;
use crate::support::{Client, Server, indexes, places, unix_ms, wait_until};

/// What happens to the primary at the end of each of its lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Killed with -9; it syncs before each reply.
    Kill,
    /// Killed with -9; it syncs once a second.
    KillEverysec,
    /// FAILOVER.
    Failover,
    /// Killed; its replica is promoted by an operator.
    Promotion,
    /// Killed; its replica is promoted by Sentinel.
    Sentinel,
}

impl Fault {
    /// Each of them in turn.
    pub(super) fn of(seed: u64) -> Fault {
        use Fault::{Failover, Kill, KillEverysec, Promotion, Sentinel};
        [Kill, KillEverysec, Failover, Promotion, Sentinel][(seed % 5) as usize]
    }

    fn has_a_replica(self) -> bool {
        !matches!(self, Fault::Kill | Fault::KillEverysec)
    }
}

/// Long enough for a server that is late, ms.
const NEVER: u32 = 120_000;

/// The servers.
pub(super) struct World {
    fault: Fault,
    /// The primary, and then its replica if there is one.
    servers: Vec<Server>,
    sentinel: Option<Server>,
}

impl World {
    #[track_caller]
    pub(super) fn start(fault: Fault) -> World {
        let builder = Server::builder()
            .listening()
            .set("steward.lease", "150")
            .set("steward.reclaim-window", "300")
            .set("repl-backlog-size", "64mb");
        let builder = match fault {
            Fault::Kill => builder.append_always(),
            Fault::KillEverysec => builder.append_always().set("appendfsync", "everysec"),
            _ => builder,
        };
        let mut servers = vec![builder.clone().start()];
        if fault.has_a_replica() {
            servers.push(servers[0].replica_with(builder));
        }
        let sentinel = (fault == Fault::Sentinel).then(|| sentinel(&servers[0]));
        World {
            fault,
            servers,
            sentinel,
        }
    }

    /// A connection to the primary.
    pub(super) fn client(&self) -> Client {
        self.servers[0].client()
    }

    /// How many replicas WAIT may wait for.
    pub(super) fn replicas(&self) -> usize {
        self.servers.len() - 1
    }

    /// The primary dies or steps down, and the clients hang up; returns what must be there afterwards.
    #[track_caller]
    pub(super) fn strike(&mut self, hang_up: impl FnOnce()) -> Promise {
        let sure = unix_ms() - 2_500;
        if self.fault == Fault::Failover {
            // Clients see the end of their calls, and leave.
            self.servers[0].client().must("FAILOVER");
            self.wait_for_promotion();
            hang_up();
            self.servers.swap(0, 1);
            self.servers[1].follows(&self.servers[0]);
            return Promise::All;
        }
        self.servers[0].kill_9();
        hang_up();
        match self.fault {
            Fault::Kill | Fault::KillEverysec => {
                self.servers[0].start_again(&[]);
                let everysec = self.fault == Fault::KillEverysec;
                return if everysec { Promise::Before(sure) } else { Promise::All };
            }
            Fault::Promotion => drop(self.servers[1].client().must("REPLICAOF NO ONE")),
            _ => self.be_down_after(500),
        }
        self.wait_for_promotion();
        self.be_down_after(NEVER);
        self.servers.swap(0, 1);
        Promise::Confirmed
    }

    /// Brings a replica back that was killed as the primary.
    #[track_caller]
    pub(super) fn repair(&mut self) {
        if let [primary, other] = &mut self.servers[..] {
            let of = format!("127.0.0.1 {}", primary.port());
            if other.is_down() {
                other.start_again(&[("replicaof", &of)]);
            }
            // Sentinel ends the connections of a server that it makes a replica: it comes first.
            if let Some(sentinel) = &self.sentinel {
                let mut sentinel = sentinel.client();
                wait_until("Sentinel knows the replica again", || {
                    let replicas = sentinel.must("SENTINEL REPLICAS steward");
                    replicas.items().iter().any(|replica| {
                        replica.field("flags") == "'slave'" && replica.field("master-link-status") == "'ok'"
                    })
                });
            }
            other.follows(primary);
        }
    }

    /// Sentinel takes a server that has not answered for so many milliseconds for dead: only while one is, since on a
    /// busy machine any of them may be late.
    fn be_down_after(&self, ms: u32) {
        if let Some(sentinel) = &self.sentinel {
            let set = format!("SENTINEL SET steward down-after-milliseconds {ms}");
            sentinel.client().must(&set);
        }
    }

    fn wait_for_promotion(&self) {
        let [_, replica] = &self.servers[..] else { return };
        // Sentinel ends the connections of a server that it promotes: clients come when it says so.
        if let Some(sentinel) = &self.sentinel {
            let mut sentinel = sentinel.client();
            let here = format!("['127.0.0.1', '{}']", replica.port());
            wait_until("Sentinel has promoted the replica", || {
                sentinel.must("SENTINEL GET-MASTER-ADDR-BY-NAME steward") == here
            });
        }
        let mut client = replica.client();
        wait_until("the replica is the primary", || client.info("role") == "master");
    }
}

/// A Sentinel that watches this server; alone it decides alone.
fn sentinel(primary: &Server) -> Server {
    let sentinel = Builder::new()
        .sentinel()
        .set("sentinel monitor", &format!("steward 127.0.0.1 {} 1", primary.port()))
        .set("sentinel down-after-milliseconds", &format!("steward {NEVER}"))
        .set("sentinel failover-timeout", "steward 3000")
        .start();
    let mut client = sentinel.client();
    wait_until("Sentinel knows the replica", || {
        !client.must("SENTINEL REPLICAS steward").items().is_empty()
    });
    sentinel
}

/// Everything that is there; fails the test when a task is not in exactly one place, or an index does not fit.
#[track_caller]
pub(super) fn there(client: &mut Client, queues: &[&str]) -> Vec<Seen> {
    client.must("CONFIG SET steward.timer no");
    let mut all = Vec::new();
    for queue in queues {
        let places = indexes::check(client, queue);
        let base = places::base(queue);
        let payloads = client.pipeline(places.keys().map(|id| format!("GETRANGE {base}:t:{id} 56 -1")));
        all.extend(places.into_iter().zip(payloads).map(|((id, place), payload)| Seen {
            key: format!("{queue} {id}"),
            place,
            payload: payload.text(),
        }));
    }
    client.must("CONFIG SET steward.timer yes");
    all
}
