//! Addresses of servers: `redis`, `rediss`, `unix`, `redis+sentinel` and `redis+cluster`. Never shown with a password.

use std::fmt;
use std::path::PathBuf;

/// Where servers are, and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Where they are.
    pub place: Place,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// The user, when it is not the default one.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The number of the database.
    pub db: i64,
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Host {
    pub name: String,
    pub port: u16,
}

/// Where servers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One server.
    Node(Host),
    /// One server on this machine.
    Socket(PathBuf),
    /// The primary of this name, which sentinels know.
    Sentinel(Vec<Host>, String),
    /// The nodes of a cluster of which these are some.
    Cluster(Vec<Host>),
}

const FORMS: &str = "redis://, rediss://, unix://, redis+sentinel://HOST,HOST/NAME/DB or redis+cluster://HOST,HOST";

impl Address {
    /// Parses an address. The error never contains it, as it may have a password.
    pub(crate) fn parse(text: &str) -> Result<Address, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("has none of the forms {FORMS}"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, password, rest) = user_info(rest)?;
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (place, db) = match scheme {
            "redis" | "rediss" => match &hosts_of(hosts, 6379)?[..] {
                [host] => (Place::Node(host.clone()), path),
                _ => return Err("names several hosts: use redis+sentinel:// or redis+cluster://".into()),
            },
            "unix" => (
                Place::Socket(PathBuf::from(decoded(rest)?)),
                query.strip_prefix("db=").unwrap_or(""),
            ),
            "redis+sentinel" | "rediss+sentinel" => {
                let (name, db) = path.split_once('/').unwrap_or((path, ""));
                if name.is_empty() {
                    return Err("lacks the name of the primary: redis+sentinel://HOST,HOST/NAME".into());
                }
                (Place::Sentinel(hosts_of(hosts, 26379)?, decoded(name)?), db)
            }
            "redis+cluster" | "rediss+cluster" => (Place::Cluster(hosts_of(hosts, 6379)?), path),
            _ => return Err(format!("has the unknown scheme {scheme:?}; known are {FORMS}")),
        };
        let db = match db.trim_end_matches('/') {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| "has a database that is not a number".to_string())?,
        };
        if matches!(place, Place::Cluster(_)) && db != 0 {
            return Err("names a database: a cluster has only database 0".into());
        }
        Ok(Address {
            place,
            tls: scheme.starts_with("rediss"),
            user,
            password,
            db,
        })
    }
}

/// The user, the password, and what follows `@`.
fn user_info(rest: &str) -> Result<(Option<String>, Option<String>, &str), String> {
    let Some((info, rest)) = rest.rsplit_once('@') else {
        return Ok((None, None, rest));
    };
    let (user, password) = match info.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password)?)),
        None => (info, None),
    };
    let user = decoded(user)?;
    Ok((Some(user).filter(|user| !user.is_empty()), password, rest))
}

fn hosts_of(list: &str, port: u16) -> Result<Vec<Host>, String> {
    list.split(',').map(|host| host_of(host, port)).collect()
}

fn host_of(text: &str, default: u16) -> Result<Host, String> {
    // An IPv6 address stands in brackets.
    let (name, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':').unwrap_or("")),
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = match port {
        "" => default,
        port => port
            .parse()
            .map_err(|_| "has a port that is not a number up to 65535".to_string())?,
    };
    let name = if name.is_empty() { "localhost" } else { name }.to_string();
    Ok(Host { name, port })
}

/// Decodes `%41`.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        let code = code.ok_or("has a % without two hexadecimal digits: write %25 for a %")?;
        bytes.push(code);
        bytes.extend(part.get(2..).unwrap_or_default().as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".into())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = |hosts: &[Host]| hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(",");
        let mask = match (&self.user, &self.password) {
            (Some(user), Some(_)) => format!("{user}:***@"),
            (Some(user), None) => format!("{user}@"),
            (None, Some(_)) => ":***@".into(),
            (None, None) => String::new(),
        };
        let redis = if self.tls { "rediss" } else { "redis" };
        match &self.place {
            Place::Node(host) => write!(f, "{redis}://{mask}{host}")?,
            Place::Socket(path) => write!(f, "unix://{mask}{}", path.display())?,
            Place::Sentinel(known, name) => write!(f, "{redis}+sentinel://{mask}{}/{name}", hosts(known))?,
            Place::Cluster(known) => write!(f, "{redis}+cluster://{mask}{}", hosts(known))?,
        }
        match (&self.place, self.db) {
            (_, 0) => Ok(()),
            (Place::Socket(_), db) => write!(f, "?db={db}"),
            (_, db) => write!(f, "/{db}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text).unwrap().to_string()
    }

    #[test]
    fn every_form_is_read_and_shown_without_its_password() {
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379");
        assert_eq!(
            shown("rediss://me:se%40cret@db.example:7000/3"),
            "rediss://me:***@db.example:7000/3"
        );
        assert_eq!(shown("redis://:secret@[::1]:7000"), "redis://:***@[::1]:7000");
        assert_eq!(shown("redis://"), "redis://localhost:6379");
        assert_eq!(shown("unix:///run/redis/s?db=2"), "unix:///run/redis/s?db=2");
        assert_eq!(
            shown("redis+sentinel://h1,h2:7/mymaster/1"),
            "redis+sentinel://h1:26379,h2:7/mymaster/1"
        );
        assert_eq!(
            shown("redis+cluster://:secret@h1,h2"),
            "redis+cluster://:***@h1:6379,h2:6379"
        );
        let parsed = Address::parse("redis://me:se%40cret@h").unwrap();
        assert_eq!(parsed.password.as_deref(), Some("se@cret"));
        assert!(!format!("{parsed:?}").contains("cret"));
    }

    #[test]
    fn an_error_says_what_is_wrong_and_never_shows_the_address() {
        for (text, word) in [
            ("secret", "forms"),
            ("http://:secret@h", "scheme"),
            ("redis://:secret@h:port", "port"),
            ("redis://:secret@h/x", "database"),
            ("redis://:secret@h1,h2", "several hosts"),
            ("redis://:secret%4@h", "hexadecimal"),
            ("redis+sentinel://:secret@h", "name of the primary"),
            ("redis+cluster://:secret@h/1", "database 0"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains(word) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
