//! Connections to the server that has a name: direct, by sentinels, or the node of a cluster.

pub(crate) mod address;
mod link;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) mod member;
mod pause;
mod resolve;
pub(crate) mod version;

use std::time::Duration;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates};

use crate::failure::{self, Failure};
use address::{Address, Host, Place};
pub(crate) use link::{CallError, Link, Reply, Walk};
pub(crate) use pause::Pause;
use resolve::Opened;

/// How long commands that a person waits for may take to connect and to be answered.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A duration as commands take it.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Address,
    /// The certificates that sign those of servers; those of the system when there are none.
    authorities: Option<Vec<u8>>,
}

/// Where its servers are, without the password.
impl std::fmt::Display for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.address.fmt(f)
    }
}

/// One node as the client library names it.
enum Node<'a> {
    Host(&'a Host),
    Socket(&'a std::path::Path),
}

/// Has all TLS use the cryptography of ring.
pub(crate) fn use_ring() {
    // Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The part of a name that decides which node of a cluster has it.
fn tag(name: &str) -> &str {
    let tag = name.split_once('{').and_then(|(_, rest)| Some(rest.split_once('}')?.0));
    tag.filter(|tag| !tag.is_empty()).unwrap_or(name)
}

impl Connector {
    pub(crate) fn new(address: Address, authorities: Option<Vec<u8>>) -> Connector {
        if address.tls {
            use_ring();
        }
        Connector { address, authorities }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.address.place, Place::Cluster(_))
    }

    /// Whether the same call may succeed later, on another connection.
    pub(crate) fn may_pass(&self, error: &CallError) -> bool {
        error.is_passing() || self.is_cluster() && error.is_elsewhere()
    }

    /// The same servers, for another user.
    pub(crate) fn for_user(&self, user: &str, password: &str) -> Connector {
        let mut connector = self.clone();
        connector.address.user = Some(user.into());
        connector.address.password = Some(password.into());
        connector
    }

    pub(crate) fn user(&self) -> &str {
        self.address.user.as_deref().unwrap_or("default")
    }

    /// Whether this user has this password in both.
    pub(crate) fn is_same_user(&self, other: &Connector) -> bool {
        self.address == other.address
    }

    /// Whether these are all on one server, whatever it is.
    pub(crate) fn has_one_server_for(&self, names: &[String]) -> bool {
        !self.is_cluster() || names.windows(2).all(|pair| matches!(pair, [a, b] if tag(a) == tag(b)))
    }

    /// Connects to the server that has this queue or service. Each step may take `patience`.
    pub(crate) fn open(&self, name: &str, patience: Duration) -> Result<Link, CallError> {
        resolve::open(self, name, patience)
    }

    /// The same for the first time: with a module of our version, and a failure that says what to do.
    pub(crate) fn open_first(&self, name: &str) -> Result<Link, Failure> {
        let mut link = self.open(name, PATIENCE).map_err(|error| self.failure(&error))?;
        version::ensure(self, &mut link)?;
        Ok(link)
    }

    /// Connects to another server of the same users, such as a replica.
    pub(crate) fn open_at(&self, host: &str, port: u64) -> Result<Link, CallError> {
        let port = u16::try_from(port).map_err(|_| CallError::Closed(format!("{port} is no port")))?;
        let name = host.to_string();
        self.connect(&Node::Host(&Host { name, port }), self.login(), PATIENCE)
    }

    /// Connects to every server that has names: the primaries of a cluster, or the one server.
    pub(crate) fn open_all(&self) -> Result<Vec<Link>, Failure> {
        let opened = self.open_each()?.into_iter();
        opened
            .map(|link| link.map_err(|(_, error)| self.failure(&error)))
            .collect()
    }

    /// The same, whatever module they have.
    pub(crate) fn open_primaries(&self) -> Result<Vec<Link>, CallError> {
        let opened = resolve::open_each(self, PATIENCE)?.into_iter();
        opened.map(|link| link.map_err(|(_, error)| error)).collect()
    }

    /// The same, where some may be away.
    pub(crate) fn open_each(&self) -> Result<Vec<Opened>, Failure> {
        let mut opened = resolve::open_each(self, PATIENCE).map_err(|error| self.failure(&error))?;
        opened
            .iter_mut()
            .flatten()
            .try_for_each(|link| version::ensure(self, link))?;
        Ok(opened)
    }

    /// What a person reads when this server refused a call or could not be reached.
    pub(crate) fn failure(&self, error: &CallError) -> Failure {
        match error {
            CallError::Server { code, .. } if matches!(&code[..], "NOAUTH" | "WRONGPASS") => {
                Failure::config(format!("{}: {error}: check the user and password", self.address))
            }
            _ if error.is("NOPERM") => Failure::config(format!(
                "{}: {error}: use another user, or give this one the right",
                self.address
            )),
            _ if !self.is_cluster() && error.is_elsewhere() => Failure::usage(format!(
                "{}: the server is one node of a cluster: use redis+cluster://",
                self.address
            )),
            CallError::Server { code, .. } if matches!(&code[..], "BADARG" | "BADNAME" | "TOOBIG") => {
                Failure::usage(error.to_string())
            }
            CallError::Server { code, .. } if matches!(&code[..], "DUPLICATE" | "NOTASK" | "NOMEMBER") => {
                Failure::new(failure::NOT_SO, error.to_string())
            }
            CallError::Server { code, .. } if matches!(&code[..], "QUEUEFULL" | "SERVICEFULL" | "BUSYQUEUE") => {
                Failure::new(failure::TEMPORARY, error.to_string())
            }
            CallError::Server { text, .. } if text.contains("unknown command") => Failure::unavailable(format!(
                "{}: the server does not have the module steward: load it, see docs/quickstart.md",
                self.address
            )),
            CallError::Server { .. } => Failure::unavailable(format!("{}: {error}", self.address)),
            _ => Failure::unavailable(format!("{}: {error}: check REDIS_URL or --url", self.address)),
        }
    }

    fn connect(&self, node: &Node<'_>, settings: RedisConnectionInfo, patience: Duration) -> Result<Link, CallError> {
        let shown = match node {
            Node::Socket(path) => path.display().to_string(),
            Node::Host(host) => host.to_string(),
        };
        let addr = match node {
            Node::Socket(path) => ConnectionAddr::Unix(path.to_path_buf()),
            Node::Host(Host { name, port }) if self.address.tls => ConnectionAddr::TcpTls {
                host: name.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            },
            Node::Host(Host { name, port }) => ConnectionAddr::Tcp(name.clone(), *port),
        };
        let info: ConnectionInfo = addr.into_connection_info()?.set_redis_settings(settings);
        let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
        let info = info.set_tcp_settings(tcp);
        let client = match &self.authorities {
            Some(_) if self.address.tls => Client::build_with_tls(
                info,
                TlsCertificates {
                    client_tls: None,
                    root_cert: self.authorities.clone(),
                },
            )?,
            _ => Client::open(info)?,
        };
        Ok(Link::new(client.get_connection_with_timeout(patience)?, shown))
    }

    /// Who we are on servers that hold data.
    fn login(&self) -> RedisConnectionInfo {
        let mut login = RedisConnectionInfo::default().set_db(self.address.db);
        if let Some(user) = &self.address.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.address.password {
            login = login.set_password(password);
        }
        // Users of workers may run no CLIENT.
        login.set_skip_set_lib_name()
    }
}
