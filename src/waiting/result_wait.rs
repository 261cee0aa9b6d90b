//! How tasks ended, for the clients and tasks that wait for it.

use std::rc::Rc;

use crate::error::Error;
use crate::names::Id;
use crate::reply::Reply;

/// Bytes of results after which a reply has no further ones.
const MAX_BYTES: usize = 1 << 20;

/// How one task ended. Its values are shared: the same megabyte may go to a thousand clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskEnd {
    /// done, dead, cancelled or expired; unread if its values did not fit into the reply.
    pub state: &'static str,
    /// The result its worker gave.
    pub result: Option<Rc<[u8]>>,
    /// The last error of a task that did not succeed.
    pub error: Option<Rc<[u8]>>,
    /// The last progress.
    pub progress: Option<Rc<[u8]>>,
}

impl TaskEnd {
    /// An end whose values do not fit into the reply any more.
    pub(crate) const UNREAD: TaskEnd = TaskEnd {
        state: "unread",
        result: None,
        error: None,
        progress: None,
    };

    fn bytes(&self) -> usize {
        let fields = [&self.result, &self.error, &self.progress];
        fields.into_iter().flatten().map(|value| value.len()).sum()
    }
}

/// Of how many of its tasks a client waits for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// The only one; the reply is that end alone.
    One,
    /// All.
    All,
    /// Any.
    Any,
}

/// The tasks whose ends a client waits for, and what is known so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultWait {
    ids: Vec<Id>,
    /// Their positions, sorted by id: the end of a task is looked for among a thousand, by each client that waits for it.
    order: Vec<usize>,
    /// In the order of the ids; `Some(None)` for an id without a task.
    known: Vec<Option<Option<TaskEnd>>>,
    /// How many are not known.
    unknown: usize,
    quorum: Quorum,
    /// The length of all values known so far.
    bytes: usize,
}

impl ResultWait {
    /// A wait for these tasks, with nothing known yet.
    pub(crate) fn new(ids: Vec<Id>, quorum: Quorum) -> ResultWait {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|at| ids.get(*at));
        ResultWait {
            order,
            known: vec![None; ids.len()],
            unknown: ids.len(),
            ids,
            quorum,
            bytes: 0,
        }
    }

    /// The tasks, as they were given.
    pub(crate) fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// Whether the reply takes no more values, so that they need not be read.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }

    /// Records the end of a task, or that there is no such task. What is known already stays.
    pub(crate) fn record(&mut self, id: &[u8], end: Option<&TaskEnd>) {
        let id_at = |at: &usize| self.ids.get(*at).map(Id::as_slice);
        let first = self.order.partition_point(|at| id_at(at) < Some(id));
        for at in self.order.iter().skip(first).take_while(|at| id_at(at) == Some(id)) {
            let Some(known @ None) = self.known.get_mut(*at) else {
                continue;
            };
            let end = match end {
                Some(_) if self.bytes >= MAX_BYTES => Some(TaskEnd::UNREAD),
                end => end.cloned(),
            };
            self.bytes += end.as_ref().map_or(0, TaskEnd::bytes);
            *known = Some(end);
            self.unknown -= 1;
        }
    }

    /// Whether the client can be answered.
    pub(crate) fn has_quorum(&self) -> bool {
        match self.quorum {
            Quorum::One | Quorum::All => self.unknown == 0,
            Quorum::Any => self.unknown < self.ids.len(),
        }
    }

    /// The reply once the quorum is reached. Errors with `NoTask` if the only task does not exist.
    pub(crate) fn reply(&self) -> Result<Reply, Error> {
        if self.quorum == Quorum::One {
            let known = self.known.first().and_then(Option::as_ref);
            return match known.and_then(Option::as_ref) {
                Some(end) => Ok(Reply::Map(fields(Some(end)))),
                None => Err(Error::NoTask),
            };
        }
        let mut maps = Vec::new();
        for (id, known) in self.ids.iter().zip(&self.known) {
            let Some(known) = known else {
                continue;
            };
            let mut map = vec![("id", Reply::Id(id.clone()))];
            map.extend(fields(known.as_ref()));
            maps.push(Reply::Map(map));
        }
        Ok(Reply::Array(maps))
    }
}

fn fields(end: Option<&TaskEnd>) -> Vec<(&'static str, Reply)> {
    let shared = |value: Option<&Rc<[u8]>>| value.map_or(Reply::Null, |value| Reply::Shared(value.clone()));
    vec![
        ("state", end.map_or(Reply::Null, |known| Reply::Word(known.state))),
        ("result", shared(end.and_then(|known| known.result.as_ref()))),
        ("error", shared(end.and_then(|known| known.error.as_ref()))),
        ("progress", shared(end.and_then(|known| known.progress.as_ref()))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(result: &[u8]) -> TaskEnd {
        TaskEnd {
            state: "done",
            result: Some(result.into()),
            error: None,
            progress: None,
        }
    }

    fn ids(ids: &[&str]) -> Vec<Id> {
        ids.iter().map(|id| Id::from_slice(id.as_bytes())).collect()
    }

    fn count(ends: &ResultWait) -> usize {
        match ends.reply() {
            Ok(Reply::Array(maps)) => maps.len(),
            other => panic!("no array: {other:?}"),
        }
    }

    #[test]
    fn all_and_any_are_different_amounts() {
        let mut all = ResultWait::new(ids(&["a", "b", "a"]), Quorum::All);
        let mut any = ResultWait::new(ids(&["a", "b", "a"]), Quorum::Any);
        assert!(!all.has_quorum() && !any.has_quorum());
        for ends in [&mut all, &mut any] {
            ends.record(b"a", Some(&done(b"1")));
            ends.record(b"a", None);
            ends.record(b"other", None);
        }
        assert!(!all.has_quorum() && any.has_quorum());
        assert_eq!(count(&any), 2);
        all.record(b"b", None);
        assert!(all.has_quorum());
        assert_eq!(count(&all), 3);
    }

    #[test]
    fn what_is_beyond_a_megabyte_is_unread() {
        for quorum in [Quorum::Any, Quorum::All] {
            let mut ends = ResultWait::new(ids(&["a", "b", "c", "gone", "d", "a"]), quorum);
            for id in ["b", "a", "c", "d"] {
                ends.record(id.as_bytes(), Some(&done(&vec![b'x'; 400_000])));
            }
            ends.record(b"gone", None);
            let Ok(Reply::Array(maps)) = ends.reply() else {
                panic!("no array");
            };
            let states = maps.iter().map(|map| match map {
                Reply::Map(fields) => match (&fields[1].1, &fields[2].1) {
                    (Reply::Word(state), Reply::Shared(_)) => *state,
                    (Reply::Word("unread"), Reply::Null) => "unread",
                    _ => "none",
                },
                _ => panic!("no map"),
            });
            // In the order in which they became known: b, both a.
            let wanted = ["done", "done", "unread", "none", "unread", "done"];
            assert_eq!(states.collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn the_only_task_that_is_none_is_an_error() {
        let mut ends = ResultWait::new(ids(&["a"]), Quorum::One);
        ends.record(b"a", None);
        assert!(ends.has_quorum());
        assert_eq!(ends.reply(), Err(Error::NoTask));
    }
}
