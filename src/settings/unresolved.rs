//! Ends of tasks with dependents that are not resolved yet. One step may leave a thousand of them to the timer, and
//! many steps many more: each is found and removed without looking at the others.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::names::Id;

/// Prefix of the fields of these ends; then the id of the task.
const FIELD: &str = "settling:";
/// The field that says that there are such fields.
pub(crate) const UNRESOLVED_ENDS: &str = "settling";

/// The field of the end of a task with unresolved dependents.
pub(crate) fn unresolved_field(parent: &[u8]) -> Vec<u8> {
    [FIELD.as_bytes(), parent].concat()
}

/// The end of a task with dependents that are not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    /// The task.
    pub parent: Id,
    /// Tasks whose first fence is below this depended on it.
    pub below: u64,
    /// How it ended.
    pub how: How,
}

/// How a task ended that others wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It was acknowledged.
    Done,
    /// It is a dead letter, for this reason: it succeeds yet if it is retried.
    Dead(Rc<str>),
    /// It will not succeed, for this reason.
    Failed(Rc<str>),
}

impl How {
    fn read(text: &str) -> How {
        let (word, why) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "done" => How::Done,
            "dead" => How::Dead(why.into()),
            _ => How::Failed(why.into()),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Done => f.write_str("done"),
            How::Dead(why) => write!(f, "dead {why}"),
            How::Failed(why) => write!(f, "failed {why}"),
        }
    }
}

/// All of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnresolvedEnds {
    /// By `below`: the order in which they are resolved.
    ends: BTreeMap<(u64, Id), How>,
    below: BTreeMap<Id, u64>,
}

impl UnresolvedEnds {
    /// Takes a field of the settings hash, if it is one of an end; whether it is.
    pub(super) fn read(&mut self, field: &str, text: &str) -> bool {
        let Some(parent) = field.strip_prefix(FIELD) else {
            return false;
        };
        let end = text.split_once(' ').and_then(|(below, how)| {
            Some(Unresolved {
                parent: Id::from_slice(parent.as_bytes()),
                below: below.parse().ok()?,
                how: How::read(how),
            })
        });
        end.into_iter().for_each(|end| self.insert(end));
        true
    }

    /// Adds one, in place of another of this task.
    pub(crate) fn insert(&mut self, end: Unresolved) {
        let Unresolved { parent, below, how } = end;
        self.remove(&parent);
        self.below.insert(parent.clone(), below);
        self.ends.insert((below, parent), how);
    }

    /// Removes that of a task.
    pub(crate) fn remove(&mut self, parent: &Id) {
        if let Some(below) = self.below.remove(parent) {
            self.ends.remove(&(below, parent.clone()));
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether there is one of this task.
    pub(crate) fn has(&self, parent: &[u8]) -> bool {
        self.below.contains_key(parent)
    }

    /// The first one, or that of this task and those behind it.
    pub(crate) fn from(&self, parent: Option<&Id>) -> impl Iterator<Item = Unresolved> {
        let below = parent.and_then(|parent| self.below.get(parent).map(|below| (*below, parent.clone())));
        let ends = self.ends.range(below.unwrap_or_default()..);
        ends.map(|((below, parent), how)| Unresolved {
            parent: parent.clone(),
            below: *below,
            how: how.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_order_and_each_task_has_one() {
        let mut ends = UnresolvedEnds::default();
        let fields = [
            ("settling:b", "7 dead of this"),
            ("settling:a", "9 done"),
            ("settling:c", "nonsense"),
            ("settling:b", "8 failed gone"),
        ];
        assert!(fields.iter().all(|(field, text)| ends.read(field, text)));
        assert!(!ends.read("settling", "1"));
        let shown = |ends: &UnresolvedEnds, from: Option<&str>| -> Vec<String> {
            let from = from.map(|id| Id::from_slice(id.as_bytes()));
            let shown = ends.from(from.as_ref());
            let shown = shown.map(|end| format!("{} {} {}", String::from_utf8_lossy(&end.parent), end.below, end.how));
            shown.collect()
        };
        assert_eq!(shown(&ends, None), ["b 8 failed gone", "a 9 done"]);
        assert_eq!(shown(&ends, Some("a")), ["a 9 done"]);
        assert!(ends.has(b"b") && !ends.has(b"c"));
        ends.remove(&Id::from_slice(b"b"));
        assert_eq!(shown(&ends, Some("b")), ["a 9 done"]);
        ends.remove(&Id::from_slice(b"a"));
        assert!(ends.is_empty());
    }
}
