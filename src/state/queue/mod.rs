//! What is remembered of one queue between transactions: its settings, its workers' numbers, who holds what.

mod cancelled;
pub(crate) mod claims;
mod later_lists;
mod worker_numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(crate) use cancelled::Cancelled;
pub(crate) use claims::{Claims, Held};
pub(crate) use later_lists::LaterLists;
pub(crate) use worker_numbers::WorkerNumbers;

use crate::keyspace::Scored;
use crate::names::Id;
use crate::rate::Recent;
use crate::settings::QueueSettings;
use crate::stats::{Lateness, Totals};
use crate::time::Steady;

/// The memory of one queue.
#[derive(Debug)]
pub(crate) struct QueueState {
    /// The settings hash, read; `None` after anybody else may have changed it.
    pub settings: Option<Rc<QueueSettings>>,
    /// The workers hash, read; `None` after anybody else may have changed it.
    pub workers: Option<WorkerNumbers>,
    /// Who holds what. Complete only after `rebase` is done.
    pub claims: Claims,
    /// Claims that ended without a command, by their token; the tick puts their tasks back. They are fenced: no
    /// command of their holder is accepted any more.
    pub ended: BTreeMap<u64, Ended>,
    /// Members that went before the claimed set was walked: (number of the worker, claims with smaller tokens are
    /// its own) → why they count as lost, if they do.
    pub departed: BTreeMap<(u32, u64), Option<Loss>>,
    /// Claims of cancelled tasks.
    pub cancelled: Cancelled,
    /// How far the claims that last as long as their member were looked at since the queue may follow another
    /// service; an id.
    pub member_rescan: Option<Id>,
    /// How far the claimed set was walked since the process or its role began.
    pub rebase: Rebase,
    /// Bit p set: the ready list of priority p may have something.
    pub maybe_ready: u16,
    /// Those of which that is so though they are not empty: they have nothing that this version can read.
    pub later_lists: LaterLists,
    /// There may be tasks that are dropped when nobody claims them in time.
    pub maybe_expiring: bool,
    /// There may be unique keys that are held for a time.
    pub maybe_unique_until: bool,
    /// Ready tasks may be for one worker.
    pub maybe_targeted: bool,
    /// How far these were looked at since somebody else may have changed them, or who may have them: the last one.
    pub targeted_rescan: Option<Scored>,
    /// When they are looked at again because some could not be read.
    pub later_targets: Option<Steady>,
    /// The worker that is gone whose tasks become everyone's, and the last one that was looked at.
    pub release_cursor: Option<(String, Scored)>,
    /// Workers for which there may be something that nobody else may have, as far as clients of theirs wait.
    pub workers_to_serve: BTreeSet<String>,
    /// Tasks may be blocked.
    pub maybe_blocked: bool,
    /// How far the blocked tasks were looked at since what they wait for may have changed: the last one.
    pub blocked_rescan: Option<Scored>,
    /// Tasks that are done may be kept.
    pub maybe_done: bool,
    /// How far the tasks that somebody waits for were looked at since their records may have changed; an id.
    pub awaited_rescan: Option<Id>,
    /// Some occurrence of a recurring task may come.
    pub maybe_repeats: bool,
    /// A claim met so many ghosts at the head of a list that it left them to the tick.
    pub trim: bool,
    /// How far each ready list has been compacted.
    pub passes: [Pass; 10],
    /// The claims that count against the queue's rate; empty when it has none.
    pub recent: Recent,
    /// Counts since `Memory::since`.
    pub totals: Totals,
    /// How late its tasks became claimable; made with the first.
    pub lateness: Option<Box<Lateness>>,
    /// Whether the log was told about a foreign entry.
    pub complained: bool,
    /// Numbers of the workers that claimed since the unused ones were last cleaned out.
    pub active: BTreeSet<u32>,
    /// When the unused workers were last cleaned out.
    pub cleaned: Steady,
    /// When a command or the tick last did something here.
    pub used: Steady,
}

/// One pass over a ready list that takes out the ids that do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The position it has come to.
    pub at: usize,
    /// Whether it found any such id.
    pub found: bool,
}

/// A claim that ended without a command of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The task; if it has another token by now, nothing is to be done.
    pub id: Id,
    /// Why the claim counts as lost; `None`: it is as if released.
    pub lost: Option<Loss>,
}

/// Why a claim was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its lease ran out.
    Lease,
    /// The connection it was bound to closed.
    Disconnect,
    /// Its worker is no member any more.
    Member,
}

impl Loss {
    /// The word in the events.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Loss::Lease => "lease",
            Loss::Disconnect => "disconnect",
            Loss::Member => "member",
        }
    }
}

/// The state of the walk that gives every claim its lease anew after a load or a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebase {
    /// The next cursor into the claimed set, and how many claims were met so far.
    Walking(u64, i64),
    /// The scores are ours.
    Done,
}

impl Default for QueueState {
    fn default() -> QueueState {
        QueueState {
            settings: None,
            workers: None,
            claims: Claims::default(),
            ended: BTreeMap::new(),
            departed: BTreeMap::new(),
            cancelled: Cancelled::default(),
            member_rescan: None,
            rebase: Rebase::Walking(0, 0),
            maybe_ready: ALL_READY,
            later_lists: LaterLists::default(),
            maybe_expiring: true,
            maybe_unique_until: true,
            maybe_targeted: true,
            targeted_rescan: Some((i64::MIN, Vec::new())),
            later_targets: None,
            release_cursor: None,
            workers_to_serve: BTreeSet::new(),
            maybe_blocked: true,
            blocked_rescan: Some((i64::MIN, Vec::new())),
            maybe_done: true,
            awaited_rescan: None,
            maybe_repeats: true,
            trim: false,
            passes: [Pass::default(); 10],
            recent: Recent::default(),
            totals: Totals::default(),
            lateness: None,
            complained: false,
            active: BTreeSet::new(),
            cleaned: Steady(0),
            used: Steady(0),
        }
    }
}

/// Every ready list may have something.
pub(crate) const ALL_READY: u16 = 0x3ff;

impl QueueState {
    /// Somebody else changed a key: what was read from it is read again.
    pub(crate) fn forget(&mut self) {
        self.settings = None;
        self.workers = None;
        self.maybe_ready = ALL_READY;
        self.maybe_expiring = true;
        self.maybe_unique_until = true;
        self.maybe_targeted = true;
        self.rescan_targeted();
        self.release_cursor = None;
        self.maybe_blocked = true;
        self.maybe_done = true;
        self.forget_task();
        self.maybe_repeats = true;
        self.member_rescan = Some(Id::new());
    }

    /// The next ticks look at what is ready for one worker, and hand it to the clients that may have it by now.
    pub(crate) fn rescan_targeted(&mut self) {
        self.targeted_rescan = Some((i64::MIN, Vec::new()));
    }

    /// Somebody else changed the record of a task: those who wait for its end, or for its turn to be over, are to hear.
    pub(crate) fn forget_task(&mut self) {
        self.awaited_rescan = Some(Id::new());
        self.blocked_rescan = Some((i64::MIN, Vec::new()));
    }

    /// All keys may be different, and the claims' scores are another process's.
    pub(crate) fn start_over(&mut self) {
        self.forget();
        self.claims = Claims::default();
        self.ended.clear();
        self.departed.clear();
        self.cancelled = Cancelled::default();
        self.rebase = Rebase::Walking(0, 0);
        self.passes = [Pass::default(); 10];
    }

    /// Whether a claim has ended though its task is not back yet.
    pub(crate) fn is_fenced(&self, worker: u32, token: u64) -> bool {
        self.ended.contains_key(&token) || self.departed(worker, token).is_some()
    }

    /// Whether the holder of a claim that the walk meets went before, and why the claim counts as lost, if it does.
    pub(crate) fn departed(&self, worker: u32, token: u64) -> Option<Option<Loss>> {
        let later = (worker, token + 1)..=(worker, u64::MAX);
        self.departed.range(later).next().map(|(_, lost)| *lost)
    }

    /// Fences the worker's claims with tokens smaller than this; those that ended before stay as they are.
    pub(crate) fn fence(&mut self, worker: u32, below: u64, lost: Option<Loss>) {
        for (token, held) in self.claims.below(worker, below) {
            let id = held.id.clone();
            self.ended.entry(token).or_insert(Ended { id, lost });
        }
        if self.rebase != Rebase::Done {
            self.departed.insert((worker, below), lost);
        }
    }
}
