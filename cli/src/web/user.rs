//! One Redis user: its connections, what it may do, and what was seen for it. Nothing here is ever shown to another.

use std::collections::HashMap;
use std::sync::Mutex;

use redis::{Cmd, cmd};

use super::findings::Findings;
use super::rights::Right;
use super::sessions::locked;
use super::streams::Streams;
use crate::connect::{CallError, Connector, Link, PATIENCE, Reply};
use crate::output::record::Record;
use crate::watch::{self, Watch};

/// Idle connections that are kept.
const KEPT: usize = 2;
/// Names whose rights are remembered.
const REMEMBERED: usize = 1_000;
/// How many commands go in one packet.
const AT_ONCE: usize = 100;

/// What was replied to each command about a name.
pub(crate) type Answers = Vec<(String, Vec<Result<Reply, CallError>>)>;

pub(crate) struct User {
    pub connector: Connector,
    idle: Mutex<Vec<Link>>,
    rights: Mutex<HashMap<String, Vec<Right>>>,
    pub watch: Mutex<Watch>,
    pub(super) findings: Findings,
    pub(super) streams: Streams,
}

impl User {
    pub(crate) fn new(connector: Connector) -> User {
        User {
            connector,
            idle: Mutex::default(),
            rights: Mutex::default(),
            watch: Mutex::default(),
            findings: Findings::default(),
            streams: Streams::of_user(),
        }
    }

    pub(super) fn is(&self, connector: &Connector) -> bool {
        self.connector.is_same_user(connector)
    }

    pub(super) fn name(&self) -> &str {
        self.connector.user()
    }

    /// Whether the same call may succeed later.
    pub(super) fn may_pass(&self, error: &CallError) -> bool {
        self.connector.may_pass(error)
    }

    /// Asks the server of this name. A connection that the server has closed meanwhile is replaced.
    pub(super) fn ask<T>(&self, name: &str, ask: impl Fn(&mut Link) -> Result<T, CallError>) -> Result<T, CallError> {
        match self.once(name, &ask) {
            Err(CallError::Closed(_)) => self.once(name, &ask),
            answer => answer,
        }
    }

    pub(crate) fn call(&self, name: &str, command: &Cmd) -> Result<Reply, CallError> {
        self.ask(name, |link| link.call(command, PATIENCE))
    }

    pub(crate) fn call_all(&self, name: &str, commands: &[Cmd]) -> Result<Vec<Result<Reply, CallError>>, CallError> {
        self.ask(name, |link| link.call_all(commands, PATIENCE))
    }

    /// Makes a change, once: nobody knows whether one was made whose reply is lost.
    pub(super) fn change(&self, name: &str, commands: &[Cmd]) -> Result<Vec<Result<Reply, CallError>>, CallError> {
        // Not on a connection that was closed while nobody looked.
        self.call(name, cmd("PING").arg("")).ok();
        self.once(name, |link| link.call_all(commands, PATIENCE))
    }

    fn once<T>(&self, name: &str, ask: impl FnOnce(&mut Link) -> Result<T, CallError>) -> Result<T, CallError> {
        // In a cluster each name may have another server.
        let kept = locked(&self.idle).pop();
        let mut link = kept.map_or_else(|| self.connector.open(name, PATIENCE), Ok)?;
        let answer = ask(&mut link);
        let is_whole = matches!(&answer, Ok(_) | Err(CallError::Server { .. }));
        let mut idle = locked(&self.idle);
        if is_whole && !self.connector.is_cluster() && idle.len() < KEPT {
            idle.push(link);
        } else if !is_whole {
            idle.clear();
        }
        answer
    }

    /// Asks every server that has names: the one, or the primaries of a cluster.
    fn everywhere<T>(&self, ask: impl Fn(&mut Link) -> Result<T, CallError>) -> Result<Vec<T>, CallError> {
        if self.connector.is_cluster() {
            let mut links = self.connector.open_primaries()?;
            links.iter_mut().map(ask).collect()
        } else {
            Ok(vec![self.ask("", ask)?])
        }
    }

    /// All queues that this user sees, with their numbers.
    pub(crate) fn queues(&self) -> Result<Vec<Record>, CallError> {
        Ok(self.everywhere(watch::queues)?.concat())
    }

    /// What these commands reply for each of the names that another one lists, sorted.
    pub(crate) fn about_all(&self, list: &str, ask: impl Fn(&str) -> Vec<Cmd>) -> Result<Answers, CallError> {
        let asked = self.everywhere(|link| {
            let names = link.list(&cmd(list), PATIENCE)?;
            let names: Vec<String> = names.iter().filter_map(Reply::text).collect();
            let mut answers = Answers::new();
            for names in names.chunks(AT_ONCE) {
                let commands: Vec<Vec<Cmd>> = names.iter().map(|name| ask(name)).collect();
                let mut replies = link.call_all(&commands.concat(), PATIENCE)?.into_iter();
                let own = |(name, commands): (&String, &Vec<Cmd>)| {
                    (name.clone(), replies.by_ref().take(commands.len()).collect())
                };
                answers.extend(names.iter().zip(&commands).map(own));
            }
            Ok(answers)
        });
        let mut answers = asked?.concat();
        answers.sort_by(|(a, _), (b, _)| a.cmp(b));
        answers.dedup_by(|(a, _), (b, _)| a == b);
        Ok(answers)
    }

    /// Has the server asked anew what this user may do.
    pub(super) fn forget_rights(&self) {
        locked(&self.rights).clear();
    }

    /// Whether this user may make these changes to a queue or service. The server is asked once for each name.
    pub(super) fn may(&self, name: &str, right: Right) -> bool {
        if let Some(known) = locked(&self.rights).get(name) {
            return known.contains(&right);
        }
        let probes: Vec<Cmd> = Right::ALL.iter().map(|right| right.probe(name)).collect();
        let Ok(answers) = self.call_all(name, &probes) else {
            return false;
        };
        let allowed = |(right, answer): (&Right, Result<Reply, CallError>)| {
            let is_refused = answer.is_err_and(|error| error.is("NOPERM"));
            (!is_refused).then_some(*right)
        };
        let found: Vec<Right> = Right::ALL.iter().zip(answers).filter_map(allowed).collect();
        let may = found.contains(&right);
        let mut rights = locked(&self.rights);
        if rights.len() >= REMEMBERED {
            rights.clear();
        }
        rights.insert(name.into(), found);
        may
    }
}
