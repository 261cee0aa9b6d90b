//! Starts a server with chosen settings.

use super::server::Server;

/// Settings of a server; by default it has only a unix socket and saves nothing.
#[derive(Clone)]
pub(crate) struct Builder {
    pub(super) settings: Vec<(String, String)>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) module: bool,
    pub(super) listens: bool,
    pub(super) cluster: bool,
    pub(super) sentinel: bool,
}

impl Builder {
    /// A server with the module, and with the settings and environment that the whole run was told to use.
    pub(crate) fn new() -> Builder {
        Builder {
            settings: told("STEWARD_SETTINGS"),
            environment: told("STEWARD_ENVIRONMENT"),
            module: true,
            listens: false,
            cluster: false,
            sentinel: false,
        }
    }
    /// A line of redis.conf.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Builder {
        self.settings.push((name.into(), value.into()));
        self
    }
    /// A variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Builder {
        self.environment.push((name.into(), value.into()));
        self
    }
    /// Without the module.
    pub(crate) fn plain(mut self) -> Builder {
        self.module = false;
        self
    }
    /// Listens on a loopback port, for replicas.
    pub(crate) fn listening(mut self) -> Builder {
        self.listens = true;
        self
    }
    /// A node of a cluster.
    pub(crate) fn cluster(mut self) -> Builder {
        self.cluster = true;
        self.listening()
            .set("cluster-enabled", "yes")
            .set("cluster-node-timeout", "1000")
    }
    /// A Sentinel.
    pub(crate) fn sentinel(mut self) -> Builder {
        self.sentinel = true;
        self.plain().listening()
    }
    /// Syncs every write to the disk before its reply.
    pub(crate) fn append_always(self) -> Builder {
        self.set("appendonly", "yes").set("appendfsync", "always")
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(self) -> Server {
        Server::of(self)
    }
}

/// The pairs of an environment variable: `io-threads 4;hz 100`.
fn told(variable: &str) -> Vec<(String, String)> {
    let text = std::env::var(variable).unwrap_or_default();
    let pairs = text.split(';').filter_map(|pair| pair.split_once(' '));
    pairs.map(|(name, value)| (name.into(), value.into())).collect()
}
