//! What can be looked at, and the columns of each.

use super::columns::{Column, left, number, text, trend};

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    Queues,
    Members,
    Services,
    Queue(String, Part),
    Service(String, Part),
    /// A queue, and the id of one of its tasks.
    Task(String, String),
}

/// What of a queue or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its tasks in this state.
    Tasks(&'static str),
    Kinds,
    Workers,
    Members,
    Events,
}

const OF_QUEUES: [Part; 9] = [
    Part::Tasks("ready"),
    Part::Tasks("claimed"),
    Part::Tasks("scheduled"),
    Part::Tasks("blocked"),
    Part::Tasks("done"),
    Part::Tasks("dead"),
    Part::Kinds,
    Part::Workers,
    Part::Events,
];
const OF_SERVICES: [Part; 2] = [Part::Members, Part::Events];

impl Part {
    fn title(self) -> &'static str {
        match self {
            Part::Tasks(state) => state,
            Part::Kinds => "kinds",
            Part::Workers => "workers",
            Part::Members => "members",
            Part::Events => "events",
        }
    }
}

impl View {
    /// Those between which Tab moves, with their titles.
    pub(super) fn beside(&self) -> Vec<(View, &'static str)> {
        match self {
            View::Queues | View::Members | View::Services => vec![
                (View::Queues, "queues"),
                (View::Members, "members"),
                (View::Services, "services"),
            ],
            View::Queue(name, _) => OF_QUEUES
                .iter()
                .map(|part| (View::Queue(name.clone(), *part), part.title()))
                .collect(),
            View::Service(name, _) => OF_SERVICES
                .iter()
                .map(|part| (View::Service(name.clone(), *part), part.title()))
                .collect(),
            View::Task(..) => vec![(self.clone(), "task")],
        }
    }

    pub(super) fn title(&self) -> &'static str {
        let all = self.beside();
        all.into_iter()
            .find(|(view, _)| view == self)
            .map_or("", |(_, title)| title)
    }

    /// Of what this is a part.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            View::Queue(name, _) | View::Service(name, _) => Some(name.clone()),
            View::Task(queue, id) => Some(format!("{queue} {id}")),
            _ => None,
        }
    }

    /// Whether the server finds what the filter says: it has more than is shown.
    pub(super) fn filters_there(&self) -> bool {
        matches!(self, View::Queue(_, Part::Tasks(_)))
    }

    /// What a row opens, whose first columns have these values.
    pub(super) fn opens(&self, first: &str) -> Option<View> {
        let first = first.to_string();
        match self {
            View::Queues => Some(View::Queue(first, Part::Tasks("ready"))),
            View::Members | View::Services => Some(View::Service(first, Part::Members)),
            View::Queue(queue, Part::Tasks(_)) => Some(View::Task(queue.clone(), first)),
            _ => None,
        }
    }

    /// The fields that tell a row from all others.
    pub(super) fn identity(&self) -> &'static [&'static str] {
        match self {
            View::Queues => &["queue"],
            View::Members | View::Service(_, Part::Members) => &["service", "member"],
            View::Services => &["service"],
            View::Queue(_, Part::Kinds) => &["kind"],
            View::Queue(_, Part::Workers) => &["worker"],
            View::Queue(_, Part::Events) | View::Service(_, Part::Events) => &["event"],
            View::Task(..) => &["of", "part"],
            View::Queue(..) | View::Service(..) => &["id"],
        }
    }

    pub(super) fn columns(&self) -> &'static [Column] {
        match self {
            View::Queues => &QUEUES,
            View::Members => &MEMBERS,
            View::Service(_, Part::Members) => MEMBERS.get(1..).unwrap_or_default(),
            View::Services => &SERVICES,
            View::Queue(_, Part::Kinds) => &KINDS,
            View::Queue(_, Part::Workers) => &WORKERS,
            View::Queue(_, Part::Events) => &EVENTS,
            View::Service(..) => &SERVICE_EVENTS,
            View::Queue(_, Part::Tasks("claimed")) => &CLAIMED,
            View::Queue(_, Part::Tasks("blocked")) => &BLOCKED,
            View::Queue(_, Part::Tasks("done" | "dead")) => &ENDED,
            View::Queue(..) => &WAITING,
            View::Task(..) => &FIELDS,
        }
    }
}

const QUEUES: [Column; 15] = [
    text("QUEUE", "queue", 10, 0),
    number("READY", "ready_tasks", 5, 0),
    number("CLAIM", "claimed_tasks", 5, 0),
    number("SCHED", "scheduled_tasks", 5, 4),
    number("BLOCK", "blocked_tasks", 5, 5),
    number("DEAD", "dead_tasks", 5, 1),
    number("OLDEST", "oldest_ready_ms", 6, 2),
    number("LATE50", "late_p50_ms", 6, 9),
    number("LATE99", "late_p99_ms", 6, 6),
    number("RUN50", "run_p50_ms", 6, 10),
    number("RUN99", "run_p99_ms", 6, 7),
    number("IN/S", "in_rate", 5, 3),
    number("OUT/S", "out_rate", 5, 3),
    trend("TREND", "trend", 6, 8),
    left("NOTE", "note", 9, 11),
];

const MEMBERS: [Column; 11] = [
    text("SERVICE", "service", 8, 0),
    text("MEMBER", "member", 10, 0),
    left("ROLE", "role", 9, 1),
    left("STATE", "state", 5, 2),
    number("PID", "pid", 7, 4),
    text("HOST", "host", 6, 5),
    number("IDLE", "idle_ms", 6, 3),
    number("HELD", "claimed_tasks", 5, 3),
    number("FOR", "oldest_claim_ms", 6, 6),
    left("SIGNAL", "signal", 6, 7),
    text("STATUS", "status", 6, 8),
];

const SERVICES: [Column; 8] = [
    text("SERVICE", "service", 8, 0),
    text("LEADER", "member", 10, 0),
    left("SINCE", "since_at", 10, 1),
    number("UP", "up_members", 5, 2),
    number("MEMBERS", "members", 7, 3),
    number("PID", "pid", 7, 4),
    text("HOST", "host", 6, 5),
    number("EPOCH", "epoch", 16, 6),
];

const WAITING: [Column; 6] = [
    text("ID", "id", 12, 0),
    text("KIND", "kind", 6, 1),
    left("DUE", "due_at", 12, 2),
    number("PRIO", "priority", 4, 4),
    number("TRIED", "attempt", 5, 3),
    text("ERROR", "error", 8, 5),
];

const CLAIMED: [Column; 7] = [
    text("ID", "id", 12, 0),
    text("KIND", "kind", 6, 1),
    text("WORKER", "worker", 8, 1),
    left("CLAIMED", "claimed_at", 11, 2),
    number("LEFT", "remaining_ms", 6, 3),
    number("TRIED", "attempt", 5, 4),
    text("PROGRESS", "progress", 8, 5),
];

const BLOCKED: [Column; 5] = [
    text("ID", "id", 12, 0),
    text("KIND", "kind", 6, 1),
    text("GROUP", "group", 8, 2),
    text("AFTER", "after", 8, 2),
    left("DUE", "due_at", 12, 3),
];

const ENDED: [Column; 7] = [
    text("ID", "id", 12, 0),
    text("KIND", "kind", 6, 1),
    left("ENDED", "finished_at", 11, 2),
    number("RAN", "run_ms", 6, 4),
    number("TRIED", "attempt", 5, 3),
    number("LOST", "losses", 4, 5),
    text("ERROR", "error", 8, 2),
];

const KINDS: [Column; 8] = [
    text("KIND", "kind", 10, 0),
    number("CLAIM", "claimed_tasks", 5, 1),
    number("CLAIMED", "claimed_total", 7, 2),
    number("DONE", "acked_total", 7, 1),
    number("FAILED", "failed_total", 7, 1),
    number("DEAD", "dead_total", 5, 1),
    number("RUN50", "run_p50_ms", 6, 2),
    number("RUN99", "run_p99_ms", 6, 2),
];

const WORKERS: [Column; 4] = [
    text("WORKER", "worker", 10, 0),
    left("STATE", "state", 5, 1),
    number("HELD", "claimed_tasks", 5, 1),
    number("FOR", "oldest_claim_ms", 6, 1),
];

const EVENTS: [Column; 6] = [
    left("WHEN", "happened_at", 11, 0),
    left("WHAT", "type", 9, 0),
    text("ID", "id", 10, 1),
    text("KIND", "kind", 6, 3),
    text("WORKER", "worker", 8, 4),
    text("WHY", "reason", 8, 2),
];

const SERVICE_EVENTS: [Column; 6] = [
    left("WHEN", "happened_at", 11, 0),
    left("WHAT", "type", 9, 0),
    text("MEMBER", "member", 10, 1),
    number("PID", "pid", 7, 3),
    text("HOST", "host", 6, 4),
    text("WHY", "reason", 8, 2),
];

const FIELDS: [Column; 2] = [left("FIELD", "field", 14, 0), text("VALUE", "value", 20, 0)];
