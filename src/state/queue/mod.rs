//! What is remembered of one queue between transactions: its settings, its workers' numbers, its claims.

mod cancelled;
pub(crate) mod claims;
mod kinds;
mod later_lists;
mod successors;
mod worker_numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(crate) use cancelled::Cancelled;
pub(crate) use claims::{Claims, Held};
pub(crate) use kinds::{KindCounts, KindStats, KindWalk};
pub(crate) use later_lists::LaterLists;
use successors::Successors;
pub(crate) use worker_numbers::WorkerNumbers;

use crate::history::{Counts, Happened, Packed as _};
use crate::keyspace::Scored;
use crate::names::Id;
use crate::rate::Recent;
use crate::settings::QueueSettings;
use crate::state::work::Walk;
use crate::stats::{Durations, Totals};
use crate::time::{Ms, Steady, Wall};

/// The memory of one queue.
#[derive(Debug)]
pub(crate) struct QueueState {
    /// The settings hash, read; `None` after anybody else may have changed it.
    pub settings: Option<Rc<QueueSettings>>,
    /// The workers hash, read; `None` after anybody else may have changed it.
    pub workers: Option<WorkerNumbers>,
    /// Its claims. Complete only after `rebase` is done.
    pub claims: Claims,
    /// The claims that the acknowledgement of others made.
    pub successors: Successors,
    /// Claims that ended without a command, by their token; the timer puts their tasks back. They are fenced: commands
    /// with their tokens are refused.
    pub ended: BTreeMap<u64, Ended>,
    /// Workers whose membership ended before the walk over the claimed set was done: (worker number, its claims with
    /// smaller tokens have ended) → why they count as lost, if they do.
    pub revoked: BTreeMap<(u32, u64), Option<Loss>>,
    /// Claims of cancelled tasks.
    pub cancelled: Cancelled,
    /// How far the claims that last as long as their member were checked since the queue may follow another service;
    /// an id.
    pub member_rescan: Option<Id>,
    /// How far the claimed set was walked since the process or its role began.
    pub rebase: Rebase,
    /// Bit p set: the ready list of priority p may have something.
    pub maybe_ready: u16,
    /// Lists that count as empty because this version can read none of their records.
    pub later_lists: LaterLists,
    /// There may be tasks with EXPIRE.
    pub maybe_expiring: bool,
    /// There may be unique keys that are taken for a time (`FOR`).
    pub maybe_unique_until: bool,
    /// Ready tasks may be for one worker.
    pub maybe_targeted: bool,
    /// How far they were checked since they, or who may claim them, may have changed from outside: the last one.
    pub targeted_rescan: Option<Scored>,
    /// When they are checked again because some could not be read.
    pub later_targets: Option<Steady>,
    /// The gone worker whose tasks are being released to everyone, and the last one released.
    pub release_cursor: Option<(String, Scored)>,
    /// The end of a task whose dependents are being resolved, and the last one resolved.
    pub unresolved_cursor: Option<(Id, Walk)>,
    /// Workers with waiting clients for which a targeted task may be ready.
    pub workers_to_serve: BTreeSet<String>,
    /// Tasks may be blocked.
    pub maybe_blocked: bool,
    /// How far the blocked tasks were checked since what they wait for may have changed: the last one.
    pub blocked_rescan: Option<Scored>,
    /// There may be retained tasks that are done.
    pub maybe_done: bool,
    /// How far the tasks that clients wait for were checked since their records may have changed; an id.
    pub awaited_rescan: Option<Id>,
    /// There may be recurring tasks.
    pub maybe_repeats: bool,
    /// The moment of its last event, as the timer last saw it.
    pub last_event: Option<Wall>,
    /// From when on plain steps are tried again, see `task::plain`.
    pub plain_from: Steady,
    /// So many of the tasks at the heads of the ready lists were lost while clients waited.
    pub lost_ready: usize,
    /// A claim ran into so many ghosts at the head of a list that it left them to the timer.
    pub trim: bool,
    /// How far each ready list has been compacted.
    pub passes: [Pass; 10],
    /// The claims that count against the queue's rate; empty when it has none.
    pub recent: Recent,
    /// Counts since `State::since`.
    pub totals: Totals,
    /// How long all runs took that were acknowledged or failed since the queue came into memory, ms.
    pub run_ms: u64,
    /// What of that and of the totals is counted in its history.
    pub counted: Counts,
    /// How late its tasks became claimable; allocated for the first.
    pub lateness: Option<Box<Durations>>,
    /// How long its tasks ran that were acknowledged or failed; allocated for the first.
    pub runs: Option<Box<Durations>>,
    /// What happened to its tasks of each kind.
    pub kinds: Option<Box<KindCounts>>,
    /// The last walk that looked for numbers of kinds to free.
    pub kind_walk: Option<Box<KindWalk>>,
    /// Whether a foreign entry was logged.
    pub logged: bool,
    /// Numbers of the workers that claimed since the unused ones were last cleaned out.
    pub active: BTreeSet<u32>,
    /// When the last round of cleaning them out began.
    pub cleaned: Steady,
    /// The round that is under way.
    pub cleaning: Option<Cleaning>,
    /// Whether it is in the line of those to be measured.
    pub listed: bool,
    /// When it was last measured.
    pub seen: Steady,
    /// Whether it was dropped, and has had no keys since.
    pub dropped: bool,
}

/// One pass over a ready list that removes its ghosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    /// How far it has come.
    pub at: usize,
    /// Whether it found any.
    pub found: bool,
}

/// A round in which the numbers of unused workers are freed.
#[derive(Debug)]
pub(crate) struct Cleaning {
    /// The workers that claimed before it began, since the round before.
    pub active: BTreeSet<u32>,
    /// The next number to check.
    pub from: u32,
}

/// A claim that ended without a command of its worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The task; if it has another token by now, there is nothing to do.
    pub id: Id,
    /// Why the claim counts as lost; `None`: as if released.
    pub lost: Option<Loss>,
}

/// Why a claim was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its lease ran out.
    Lease,
    /// The connection it was bound to closed.
    Disconnect,
    /// Its worker is not a member any more.
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

/// The state of the walk that restarts the lease of every claim after a load or a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebase {
    /// The next cursor into the claimed set, and how many claims were seen so far.
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
            successors: Successors::default(),
            ended: BTreeMap::new(),
            revoked: BTreeMap::new(),
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
            unresolved_cursor: None,
            workers_to_serve: BTreeSet::new(),
            maybe_blocked: true,
            blocked_rescan: Some((i64::MIN, Vec::new())),
            maybe_done: true,
            awaited_rescan: Some(Id::new()),
            maybe_repeats: true,
            last_event: None,
            plain_from: Steady(0),
            lost_ready: 0,
            trim: false,
            passes: [Pass::default(); 10],
            recent: Recent::default(),
            totals: Totals::default(),
            run_ms: 0,
            counted: Counts::default(),
            lateness: None,
            runs: None,
            kinds: None,
            kind_walk: None,
            logged: false,
            active: BTreeSet::new(),
            cleaned: Steady(0),
            cleaning: None,
            listed: false,
            seen: Steady(0),
            dropped: false,
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
        self.unresolved_cursor = None;
        self.maybe_blocked = true;
        self.maybe_done = true;
        self.forget_task();
        self.maybe_repeats = true;
        self.member_rescan = Some(Id::new());
    }

    /// The timer checks all targeted tasks that are ready, and serves the clients that may claim them by now.
    pub(crate) fn rescan_targeted(&mut self) {
        self.targeted_rescan = Some((i64::MIN, Vec::new()));
    }

    /// Somebody else changed the record of a task: clients and tasks that wait for its end are checked again.
    pub(crate) fn forget_task(&mut self) {
        self.awaited_rescan = Some(Id::new());
        self.blocked_rescan = Some((i64::MIN, Vec::new()));
        self.kind_walk = None;
    }

    /// A worker has claimed a task.
    pub(crate) fn hold(&mut self, worker: u32, token: u64, held: Held) {
        self.active.insert(worker);
        self.claims.insert(worker, token, held);
    }

    /// A task of this kind moves: a walk over all tasks might miss it.
    pub(crate) fn see_kind(&mut self, number: u16) {
        if let Some(walk) = &mut self.kind_walk {
            walk.seen.insert(number);
        }
    }

    /// A task was acknowledged or failed after this time.
    pub(crate) fn record_run(&mut self, ms: Ms) {
        self.run_ms += ms.unsigned_abs();
        self.runs.get_or_insert_default().record(ms, 1);
    }

    /// What happened since it was last counted in its history.
    pub(crate) fn new_counts(&self) -> Counts {
        Counts::of(&self.totals, self.run_ms).since(&self.counted)
    }

    /// The same, also of each kind; it is counted by now.
    pub(crate) fn take_counts(&mut self) -> Happened {
        let all = self.new_counts();
        self.totals_are_counted();
        let kinds = self.kinds.as_mut().filter(|_| !all.is_zero());
        let kinds = kinds.map(|kinds| kinds.take_counts()).unwrap_or_default();
        Happened { all, kinds }
    }

    /// The totals were counted before this queue left memory.
    pub(crate) fn totals_are_counted(&mut self) {
        self.counted = Counts::of(&self.totals, self.run_ms);
    }

    /// Whether it is to have a history, as far as it says.
    pub(crate) fn wishes_history(&self) -> Option<bool> {
        self.settings.as_ref()?.numbers.history()
    }

    /// All keys may be different, and the claims' scores are another process's.
    pub(crate) fn start_over(&mut self) {
        self.forget();
        self.take_counts();
        self.claims = Claims::default();
        if let Some(kinds) = &mut self.kinds {
            kinds.start_over();
        }
        self.successors = Successors::default();
        self.ended.clear();
        self.revoked.clear();
        self.cancelled = Cancelled::default();
        self.rebase = Rebase::Walking(0, 0);
        self.passes = [Pass::default(); 10];
    }

    /// Whether there is anything that STATS would lose.
    pub(crate) fn has_past(&self) -> bool {
        self.totals != Totals::default() || self.lateness.is_some() || self.kinds.is_some()
    }

    /// Whether a claim has ended though its task is not back yet.
    pub(crate) fn is_fenced(&self, worker: u32, token: u64) -> bool {
        self.ended.contains_key(&token) || self.revoked(worker, token).is_some()
    }

    /// Whether a claim that the walk finds ended with its worker's membership, and why it counts as lost, if it does.
    pub(crate) fn revoked(&self, worker: u32, token: u64) -> Option<Option<Loss>> {
        let later = (worker, token + 1)..=(worker, u64::MAX);
        self.revoked.range(later).next().map(|(_, lost)| *lost)
    }

    /// Fences the worker's claims with tokens smaller than this; those that have already ended stay as they are.
    pub(crate) fn fence(&mut self, worker: u32, below: u64, lost: Option<Loss>) {
        for (token, held) in self.claims.below(worker, below) {
            let id = held.id.clone();
            self.ended.entry(token).or_insert(Ended { id, lost });
        }
        if self.rebase != Rebase::Done {
            self.revoked.insert((worker, below), lost);
        }
    }
}
