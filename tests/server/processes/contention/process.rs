//! One of the processes that compete for the lead.

use std::sync::Arc;

use super::Arena;
use crate::support::{Client, Random, Value};

/// Why a process stopped what it was doing.
pub(super) enum Ended {
    /// Its connection broke.
    Killed,
    /// It is no longer a member, or does not lead.
    Over,
}

pub(super) type Going<T> = Result<T, Ended>;

/// A way to wait to lead: the token and the epoch, or `None` when the wait ran out.
pub(super) type Wait = fn(&mut Process) -> Going<Option<(i64, i64)>>;

/// One process: its name and, as long as it lives, its connection.
pub(super) struct Process {
    arena: Arc<Arena>,
    name: String,
    client: Client,
    random: Random,
}

impl Process {
    fn call(&mut self, words: &str) -> Going<Value> {
        match self.client.try_call(words) {
            // The server is no longer a primary.
            Ok(Value::Error(text)) if text.contains("READONLY ") || text.starts_with("UNBLOCKED ") => {
                Err(Ended::Killed)
            }
            reply => reply.map_err(|_| Ended::Killed),
        }
    }

    /// Waits to be the exclusive holder.
    pub(super) fn register(&mut self) -> Going<Option<(i64, i64)>> {
        let words = format!("PID.REGISTER s {} 1 TTL 1000 BIND EXCLUSIVE BLOCK 300", self.name);
        let reply = self.call(&words)?;
        if reply == Value::Null {
            return Ok(None);
        }
        assert_eq!(reply.field("status"), "'registered'", "{words}");
        Ok(Some((reply.field("token").int(), reply.field("epoch").int())))
    }

    /// Waits to be elected.
    pub(super) fn campaign(&mut self) -> Going<Option<(i64, i64)>> {
        let reply = self.call(&format!("PID.REGISTER s {} 1 TTL 1000 BIND", self.name))?;
        assert_eq!(reply.field("status"), "'registered'");
        let token = reply.field("token").int();
        while !self.arena.is_over() {
            let reply = self.call(&format!("HB.CAMPAIGN s {} {token} BLOCK 300", self.name))?;
            // On a busy machine a thread may be silent for its TTL between two calls.
            if reply.is_error() && reply.code() == "NOMEMBER" {
                return Err(Ended::Over);
            }
            if reply != Value::Null {
                assert_eq!(
                    (reply.field("role"), reply.field("leader").text()),
                    (&Value::Bulk(b"leader".to_vec()), self.name.clone())
                );
                return Ok(Some((token, reply.field("epoch").int())));
            }
        }
        Ok(None)
    }

    /// Writes while it leads; leaves in one way or another.
    fn lead(&mut self, token: i64, epoch: i64) -> Going<()> {
        let name = self.name.clone();
        for _ in 0..self.random.below(4) {
            let led = self.fenced(epoch, "HB.LEADER s")?;
            assert_eq!(
                (led.field("member").text(), led.field("epoch").int()),
                (name.clone(), epoch)
            );
            self.write(epoch)?;
        }
        match self.random.below(4) {
            0 => {
                self.call(&format!("PID.DEREGISTER s {name} TOKEN {token}"))?;
            }
            1 => {
                self.call(&format!("HB.RESIGN s {name} {token}"))?;
                // Its connection is unbound once it is not a member.
                self.call(&format!("PID.DEREGISTER s {name} TOKEN {token}"))?;
            }
            _ => return Err(Ended::Killed),
        }
        let late = self.call(&format!("HB.FENCED s {epoch} RPUSH log late"))?;
        assert_eq!(late.code(), "FENCED", "{name} had left");
        Ok(())
    }

    /// The writes of a leader: two, both or none.
    fn write(&mut self, epoch: i64) -> Going<()> {
        self.call("MULTI")?;
        self.call(&format!("HB.FENCED s {epoch} INCR counter"))?;
        self.call(&format!("HB.FENCED s {epoch} RPUSH log {epoch}"))?;
        match self.call("EXEC")?.items() {
            [Value::Error(one), Value::Error(other)] => {
                assert!(one.starts_with("FENCED ") && one == other, "{one}, {other}");
                Err(Ended::Over)
            }
            [counter, length] => {
                assert_eq!(counter, length);
                Ok(())
            }
            _ => panic!("two replies"),
        }
    }

    /// A command with its epoch; ends when that is no longer the current one.
    fn fenced(&mut self, epoch: i64, words: &str) -> Going<Value> {
        match self.call(&format!("HB.FENCED s {epoch} {words}"))? {
            Value::Error(text) => {
                assert!(text.starts_with("FENCED "), "{words}: {text}");
                Err(Ended::Over)
            }
            reply => Ok(reply),
        }
    }
}

/// The life of one process after another, until the test is over.
pub(super) fn live(arena: Arc<Arena>, number: usize, wait: Wait) {
    for life in 0.. {
        let Some(client) = arena.connect() else {
            return;
        };
        let mut process = Process {
            name: format!("p{number}-{life}"),
            random: Random::new((number * 1_000 + life) as u64),
            arena: arena.clone(),
            client,
        };
        while !arena.is_over() {
            let led = wait(&mut process).and_then(|granted| match granted {
                Some((token, epoch)) => {
                    arena.note(epoch, &process.name);
                    process.lead(token, epoch)
                }
                None => Ok(()),
            });
            match led {
                Ok(()) => process.name.push('+'),
                // The connection is dropped, like that of a process that died.
                Err(_) => break,
            }
        }
    }
}
