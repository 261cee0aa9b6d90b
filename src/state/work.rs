//! What is left to be done at the end of a transaction: consequences of tasks that ended.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use crate::keyspace::Scored;
use crate::names::{Id, Name};
use crate::settings::How;
use crate::waiting::result_wait::TaskEnd;

/// What follows from what a transaction has done so far.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Ends of tasks that other tasks wait for.
    pub parent_ends: VecDeque<ParentEnd>,
    /// Groups in which the next task may get its turn.
    pub groups: BTreeSet<(Name, String)>,
    /// Ends that become tasks of other queues.
    pub replies: Vec<ReplyDue>,
    /// Queues in which something may be claimed, while clients wait.
    pub to_serve: BTreeSet<Name>,
    /// Counts the dependencies (AFTER) that were read or removed, ever: what bounds loops over tasks that have many.
    pub edges: usize,
}

impl Work {
    /// Whether something follows for other tasks. After most transactions nothing does.
    pub(crate) fn has_tasks(&self) -> bool {
        !(self.replies.is_empty() && self.parent_ends.is_empty() && self.groups.is_empty())
    }
}

/// How far a walk over those that wait for one end has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// The last one.
    pub last: Option<Scored>,
    /// Whether the record of one is of a later version.
    pub unread: bool,
}

/// The end of a task that other tasks wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParentEnd {
    /// The queue.
    pub name: Name,
    /// The task.
    pub parent: Id,
    /// How it ended.
    pub how: How,
}

/// The end of a task that becomes a task of another queue.
#[derive(Debug)]
pub(crate) struct ReplyDue {
    /// The queue of the task.
    pub name: Name,
    /// The task.
    pub id: Id,
    /// The other queue.
    pub to: String,
    /// What it is told.
    pub told: Told,
    /// The attempt in which it ended.
    pub attempt: u64,
}

/// What another queue is told of the end of a task.
#[derive(Debug)]
pub(crate) enum Told {
    /// How it ended: for its REPLY queue.
    End(TaskEnd),
    /// The task itself, which is dead: for the `dead-queue`.
    Letter(Letter),
}

/// What is copied of a dead task.
#[derive(Debug)]
pub(crate) struct Letter {
    pub payload: Vec<u8>,
    pub kind: Option<Rc<str>>,
    pub error: Option<Vec<u8>>,
}
