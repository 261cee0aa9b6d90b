//! A client that works.

use super::actor::{Part, Shared};
use crate::support::{Random, Value};

/// A worker, and the claims that it believes to have.
pub(super) struct Worker {
    name: String,
    /// 0: a plain one, 1: its claims are bound to its connection, 2: it is a member of the queue's service.
    kind: usize,
    is_member: bool,
    held: Vec<(String, String, i64)>,
}

impl Worker {
    pub(super) fn new(name: &str, kind: usize) -> Worker {
        Worker {
            name: name.into(),
            kind,
            is_member: false,
            held: Vec::new(),
        }
    }

    fn claim(&self, random: &mut Random) -> String {
        let Worker { name, kind, .. } = self;
        let count = 1 + random.below(4);
        let mut words = match random.below(8) {
            0 => format!("TASK.CLAIM {{q}}replies {name} COUNT {count}"),
            1 | 2 => format!("TASK.MCLAIM 2 r q {name} COUNT {count}"),
            3 => format!("TASK.CLAIM q {name} COUNT 50"),
            _ => format!("TASK.CLAIM q {name} COUNT {count}"),
        };
        if random.once_in(2) {
            words.push_str(&format!(" BLOCK {}", 1 + random.below(20)));
        }
        match kind {
            1 => words.push_str(" BIND"),
            2 if random.once_in(2) && words.starts_with("TASK.CLAIM q") => words.push_str(" LEASE MEMBER"),
            _ if random.once_in(4) => words.push_str(&format!(" LEASE {}", 20 + random.below(60))),
            _ => {}
        }
        if random.once_in(5) {
            words.push_str(" FULL");
        }
        words
    }

    fn end(&mut self, random: &mut Random) -> String {
        let (queue, id, token) = self.held.swap_remove(random.below(self.held.len()));
        let others: Vec<usize> = (0..self.held.len()).filter(|at| self.held[*at].0 == queue).collect();
        let claim = format!("{queue} {id} {token}");
        match random.below(20) {
            0..=5 if others.len() > 1 => {
                let mut pairs = format!("{id} {token}");
                for at in others.iter().rev() {
                    let (_, id, token) = self.held.swap_remove(*at);
                    pairs.push_str(&format!(" {id} {token}"));
                }
                format!("TASK.MACK {queue} {} {pairs}", others.len() + 1)
            }
            0..=8 => format!("TASK.ACK {claim}"),
            9..=11 => format!("TASK.ACK {claim} RESULT r-{id}"),
            12..=13 if queue == "q" => format!("TASK.ACK {claim} NEXT"),
            14 => format!("TASK.FAIL {claim} ERROR again DELAY {}", random.below(9)),
            15 => format!("TASK.FAIL {claim} ERROR again"),
            16 if random.once_in(2) => format!("TASK.FAIL {claim} DEAD"),
            16..=17 => format!("TASK.RELEASE {claim}"),
            18 => format!("TASK.RELEASE {claim} DELAY {}", random.below(9)),
            _ => {
                self.held.push((queue, id, token));
                format!("TASK.EXTEND {claim} LEASE {} PROGRESS half", 20 + random.below(60))
            }
        }
    }
}

impl Part for Worker {
    fn next(&mut self, random: &mut Random, _: &mut Shared) -> Option<String> {
        if random.once_in(80) {
            return None;
        }
        if random.once_in(40) {
            // It forgets what it has: the leases run out.
            self.held.clear();
        }
        if self.kind == 2 && (!self.is_member || random.once_in(20)) {
            return Some(format!("HB.BEAT q {} TTL 300 BIND GRACE 50", self.name));
        }
        if self.held.is_empty() || random.once_in(6) {
            return Some(self.claim(random));
        }
        Some(self.end(random))
    }

    fn told(&mut self, words: &str, reply: &Value) {
        if words.starts_with("HB.BEAT") {
            self.is_member = !reply.is_error();
        }
        if reply.is_error() {
            self.is_member &= reply.code() != "NOMEMBER";
            return;
        }
        let mut parts = words.split(' ');
        let (name, queue) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let Value::Array(tasks) = reply else { return };
        if name == "TASK.MACK" {
            return;
        }
        for task in tasks {
            let queue = if name == "TASK.MCLAIM" {
                task.field("queue").text()
            } else {
                queue.into()
            };
            self.held
                .push((queue, task.field("id").text(), task.field("token").int()));
        }
    }

    fn reconnected(&mut self) {
        self.is_member = false;
        if self.kind != 0 {
            self.held.clear();
        }
    }
}
