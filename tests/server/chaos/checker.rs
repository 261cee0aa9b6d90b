//! Knows every call and every reply, and says what is not as promised.

use std::collections::{BTreeMap, BTreeSet};

use super::leaders::Leaders;
use super::wishes::Wishes;
use crate::support::{Value, unix_ms};

/// Errors that a client must expect, as others may be quicker, and of which commands.
const EXPECTED: [(&str, &str); 8] = [
    ("STALE", "TASK."),
    ("NOTASK", "TASK."),
    ("CANCELLED", "TASK."),
    ("DUPLICATE", "TASK."),
    ("NOMEMBER", ""),
    ("FENCED", ""),
    ("BADARG", "HB.RESIGN"),
    ("ERR", "TASK.RESCHEDULE"),
];

/// What is known. Tasks go by their queue and id: `q t7`.
#[derive(Default)]
pub(super) struct Checker {
    /// Grows with each call and each reply.
    now: u64,
    calls: BTreeMap<u64, Call>,
    pub tasks: BTreeMap<String, Task>,
    /// The tasks of each group and each unique key, in the order in which they were accepted.
    pub lines: BTreeMap<String, Vec<String>>,
    pub batches: BTreeMap<String, Batch>,
    /// The tasks that brought the end of another to its REPLY queue.
    pub replies: BTreeMap<String, BTreeSet<String>>,
    /// The occurrences of each recurring task.
    pub occurrences: BTreeMap<String, BTreeSet<i64>>,
    /// Of each client, up to when a replica has what it was told.
    pub confirmed: BTreeMap<usize, u64>,
    pub leaders: Leaders,
    violations: Vec<String>,
    log: Vec<String>,
}

/// A call under way.
pub(super) struct Call {
    client: usize,
    words: String,
    pub sent: u64,
    pub sent_ms: i64,
}

/// When something was read, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub client: usize,
    pub read: u64,
    pub read_ms: i64,
    /// WAIT speaks of what the client's own command wrote, not of what it was given while it waited.
    pub direct: bool,
    /// It was there after a fault.
    pub sure: bool,
}

/// What is known of a task.
#[derive(Clone, Default)]
pub(super) struct Task {
    pub wishes: Wishes,
    pub sent: u64,
    pub sent_ms: i64,
    /// It was there then; None: not known.
    pub accepted: Option<Mark>,
    /// It was accepted again: it was there.
    pub again: Option<Mark>,
    /// Calls under way that may end it.
    pub ending: usize,
    /// It was acknowledged.
    pub ended: Option<Mark>,
    /// It has ended, and is there still; None: not known.
    pub kept: Option<bool>,
    /// It may end, or have ended, by something that the checker does not follow.
    pub loose: bool,
    pub cancelled: Option<Mark>,
    pub children: Vec<String>,
    pub claimed: bool,
    pub token: i64,
    pub token_read: u64,
    /// Its end was undone by a fault that may do so.
    pub undone: bool,
}

impl Task {
    /// Whether it must be there.
    pub(super) fn is_live(&self) -> bool {
        self.accepted.is_some() && self.ended.is_none() && self.ending == 0 && !self.loose
    }

    /// Whether it was known to have been accepted when the call was sent.
    pub(super) fn was_there(&self, call: &Call) -> bool {
        self.accepted.is_some_and(|accepted| accepted.read < call.sent)
    }
}

/// Tasks that were scheduled by one call.
pub(super) struct Batch {
    pub keys: Vec<Option<String>>,
    pub accepted: Option<Mark>,
}

impl Checker {
    /// A client is about to send this.
    pub(super) fn send(&mut self, client: usize, words: &str) -> u64 {
        self.now += 1;
        self.log.push(format!("{:>6} {client:>3} > {words}", self.now));
        let call = Call {
            client,
            words: words.into(),
            sent: self.now,
            sent_ms: unix_ms(),
        };
        match words.split(' ').collect::<Vec<_>>().as_slice() {
            ["TASK.SCHEDULE", queue, words @ ..] => self.will_schedule(queue, Wishes::read(words), &call),
            ["TASK.MSCHEDULE", queue, count, first, ..] => {
                let batch = Batch {
                    keys: vec![None; count.parse().unwrap()],
                    accepted: None,
                };
                let name = first.split('.').next().unwrap_or_default();
                self.batches.insert(format!("{queue} {name}"), batch);
            }
            ["TASK.ACK", queue, id, ..] => self.task(queue, id).ending += 1,
            ["TASK.MACK", queue, _, pairs @ ..] => {
                for pair in pairs.chunks(2) {
                    self.task(queue, pair[0]).ending += 1;
                }
            }
            ["TASK.FAIL", queue, id, _, "DEAD"] => self.loosen(format!("{queue} {id}")),
            ["TASK.CANCEL", queue, ids @ ..] => ids.iter().for_each(|id| self.loosen(format!("{queue} {id}"))),
            // Joins its line later, or is due at another time.
            ["TASK.RESCHEDULE", queue, id, ..] => self.task(queue, id).wishes.replaces = true,
            _ => {}
        }
        self.calls.insert(self.now, call);
        self.now
    }

    /// The connection broke before the reply.
    pub(super) fn lose(&mut self, call: u64) {
        self.now += 1;
        self.log.push(format!("{:>6}     no reply to {call}", self.now));
        self.calls.remove(&call);
    }

    /// The reply to a call has been read.
    pub(super) fn receive(&mut self, call: u64, reply: &Value) {
        self.now += 1;
        self.log.push(format!("{:>6}     {call} < {reply}", self.now));
        let call = self.calls.remove(&call).expect("a call under way");
        let words = call.words.clone();
        let explains = |(code, name): &(&str, &str)| reply.code() == *code && words.starts_with(name);
        if reply.is_error() && !EXPECTED.iter().any(explains) {
            self.violated(&words, &format!("an error that nothing explains: {reply}"));
        }
        match words.split(' ').collect::<Vec<_>>().as_slice() {
            ["TASK.SCHEDULE", queue, words @ ..] => match reply {
                Value::Error(text) => self.refused(queue, &Wishes::read(words), &call, text),
                id => self.accept(format!("{queue} {}", id.text()), Wishes::read(words), &call),
            },
            ["TASK.MSCHEDULE", queue, _, first, ..] => {
                let name = first.split('.').next().unwrap_or_default();
                self.batch_accepted(&format!("{queue} {name}"), queue, &call, reply);
            }
            ["TASK.CLAIM", queue, worker, ..] => self.claims(queue, worker, &call, reply),
            ["TASK.MCLAIM", "2", _, _, worker, ..] => self.claims("", worker, &call, reply),
            ["TASK.ACK", queue, id, token, options @ ..] => {
                self.end_of(&format!("{queue} {id}"), token, &call, !reply.is_error());
                if options.contains(&"NEXT") {
                    self.claims(queue, "", &call, reply);
                }
            }
            ["TASK.MACK", queue, _, pairs @ ..] if !reply.is_error() => {
                for (pair, reply) in pairs.chunks(2).zip(reply.items()) {
                    self.end_of(&format!("{queue} {}", pair[0]), pair[1], &call, reply.text() == "OK");
                }
            }
            ["TASK.FAIL" | "TASK.RELEASE" | "TASK.EXTEND", queue, id, token, ..] if !reply.is_error() => {
                self.held(&format!("{queue} {id}"), token, &call);
            }
            ["TASK.CANCEL", queue, ids @ ..] if *reply == Value::Int(ids.len() as i64) => {
                let mark = self.mark(&call);
                ids.iter().for_each(|id| self.task(queue, id).cancelled = Some(mark));
            }
            ["WAIT", ..] if reply.int() > 0 => {
                self.confirmed.insert(call.client, call.sent);
            }
            [name, service, words @ ..] if name.starts_with("PID.") || name.starts_with("HB.") => {
                let mark = self.mark(&call);
                let found = self.leaders.receive((*name, *service, words), (call.sent, mark), reply);
                found.into_iter().for_each(|what| self.violated(service, &what));
            }
            _ => {}
        }
    }

    /// All that was wrong so far, with what is known of it.
    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Something is not as promised: `what` happened to this task or service.
    pub(super) fn violated(&mut self, key: &str, what: &str) {
        let word = key.split(' ').next_back().unwrap_or_default();
        let about =
            |line: &&String| line.split([' ', '\'', ',', '"']).any(|part| part == word) || line.contains("----");
        let known: Vec<&str> = self.log.iter().filter(about).map(String::as_str).collect();
        let from = known.len().saturating_sub(60);
        self.violations
            .push(format!("{key}: {what}\n{}", known[from..].join("\n")));
    }

    /// A line of the log between two lives of the server.
    pub(super) fn note(&mut self, what: &str) {
        self.now += 1;
        self.log.push(format!("{:>6} ---- {what}", self.now));
    }

    pub(super) fn mark(&self, call: &Call) -> Mark {
        Mark {
            client: call.client,
            read: self.now,
            read_ms: unix_ms(),
            direct: !call.words.contains(" BLOCK "),
            sure: false,
        }
    }

    /// What is read of the server itself, after a fault, stays.
    pub(super) fn sure(&self) -> Mark {
        Mark {
            client: usize::MAX,
            read: self.now,
            read_ms: unix_ms(),
            direct: true,
            sure: true,
        }
    }

    pub(super) fn task(&mut self, queue: &str, id: &str) -> &mut Task {
        self.tasks.entry(format!("{queue} {id}")).or_default()
    }

    fn will_schedule(&mut self, queue: &str, wishes: Wishes, call: &Call) {
        let Some(id) = wishes.id.clone() else { return };
        let key = format!("{queue} {id}");
        // What was sent before is known, unless it is gone.
        let known = self.tasks.get(&key);
        let ended = known.filter(|task| task.ended.is_some());
        if known.is_none() || ended.is_some_and(|task| task.kept != Some(true)) {
            let may_be_kept = ended.is_some_and(|task| task.kept.is_none());
            self.begin(key, wishes, call);
            self.task(queue, &id).ending += usize::from(may_be_kept);
        }
    }

    /// Begins to know a task.
    pub(super) fn begin(&mut self, key: String, wishes: Wishes, call: &Call) {
        let queue = key.split(' ').next().unwrap_or_default();
        let mut loose = wishes.expires;
        for parent in &wishes.after {
            if let Some(parent) = self.tasks.get_mut(&format!("{queue} {parent}")) {
                parent.children.push(key.clone());
                loose |= parent.loose && !wishes.run_on_failure;
            }
        }
        for (kind, name) in [("group", &wishes.group), ("unique", &wishes.unique)] {
            if let Some(name) = name {
                self.lines
                    .entry(format!("{queue} {kind} {name}"))
                    .or_default()
                    .push(key.clone());
            }
        }
        // Tokens go on where those of an earlier task of this id ended.
        let task = self.tasks.entry(key).or_default();
        *task = Task {
            wishes,
            sent: call.sent,
            sent_ms: call.sent_ms,
            loose,
            token: task.token,
            token_read: task.token_read,
            ..Task::default()
        };
    }

    /// A task, and those that are cancelled with it, may end by other ways than ACK.
    fn loosen(&mut self, key: String) {
        let mut keys = vec![key];
        while let Some(key) = keys.pop() {
            let task = self.tasks.entry(key).or_default();
            if !std::mem::replace(&mut task.loose, true) {
                let children = task.children.clone();
                keys.extend(
                    children
                        .into_iter()
                        .filter(|child| self.tasks.get(child).is_some_and(|child| !child.wishes.run_on_failure)),
                );
            }
        }
    }
}
