//! What is asked with one scrape.

use redis::cmd;

use super::families::{Family, Samples, Type};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::verbs::{Server, info};

const fn gauge(name: &'static str, help: &'static str) -> Family {
    let of = Type::Gauge;
    Family { name, of, help }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    let of = Type::Counter;
    Family { name, of, help }
}

const fn summary(name: &'static str, help: &'static str) -> Family {
    let of = Type::Summary;
    Family { name, of, help }
}

pub(super) const UP: Family = gauge("steward_up", "Whether the server answered.");
pub(super) const SCRAPE: Family = gauge("steward_scrape_seconds", "How long asking took.");

/// Fields of INFO.
const SERVER: [(&str, Family); 19] = [
    ("queues", gauge("steward_server_queues", "Queues.")),
    ("services", gauge("steward_server_services", "Services.")),
    ("members", gauge("steward_server_members", "Members of all services.")),
    (
        "leaders",
        gauge("steward_server_leaders", "Services that have a leader."),
    ),
    (
        "ready_tasks",
        gauge(
            "steward_server_ready_tasks",
            "Tasks that may be claimed, of all queues.",
        ),
    ),
    (
        "scheduled_tasks",
        gauge(
            "steward_server_scheduled_tasks",
            "Tasks that are not due yet, of all queues.",
        ),
    ),
    (
        "claimed_tasks",
        gauge("steward_server_claimed_tasks", "Claimed tasks, of all queues."),
    ),
    (
        "blocked_tasks",
        gauge(
            "steward_server_blocked_tasks",
            "Tasks that wait for others, of all queues.",
        ),
    ),
    (
        "dead_tasks",
        gauge("steward_server_dead_tasks", "Dead tasks that are kept, of all queues."),
    ),
    (
        "reclaiming_services",
        gauge(
            "steward_server_reclaiming_services",
            "Services that appoint no leader yet.",
        ),
    ),
    (
        "waiting_clients",
        gauge("steward_server_waiting_clients", "Clients that wait in a call."),
    ),
    (
        "timer_backlog",
        gauge(
            "steward_server_timer_backlog",
            "Queues and services that wait for the timer.",
        ),
    ),
    (
        "eviction_unsafe",
        gauge(
            "steward_server_eviction_unsafe",
            "1: the eviction policy may evict tasks.",
        ),
    ),
    (
        "client_timeout_ms",
        gauge(
            "steward_server_client_timeout_seconds",
            "After how long idle connections are closed.",
        ),
    ),
    (
        "sums_age_ms",
        gauge(
            "steward_server_sums_age_seconds",
            "How long the numbers of tasks and members have lacked a change.",
        ),
    ),
    (
        "since_at",
        gauge("steward_server_since_timestamp_seconds", "When counting began."),
    ),
    (
        "stalls_total",
        counter(
            "steward_server_stalls",
            "Times the server stalled for more than 100 ms.",
        ),
    ),
    (
        "members_lost_total",
        counter("steward_server_members_lost", "Members that died or were evicted."),
    ),
    (
        "skipped_foreign_total",
        counter(
            "steward_server_skipped_foreign",
            "Entries that the module did not write.",
        ),
    ),
];

/// Fields of queues.
const QUEUE: [(&str, Family); 12] = [
    (
        "ready_tasks",
        gauge("steward_queue_ready_tasks", "Tasks that may be claimed."),
    ),
    (
        "scheduled_tasks",
        gauge("steward_queue_scheduled_tasks", "Tasks that are not due yet."),
    ),
    ("claimed_tasks", gauge("steward_queue_claimed_tasks", "Claimed tasks.")),
    (
        "blocked_tasks",
        gauge("steward_queue_blocked_tasks", "Tasks that wait for others."),
    ),
    (
        "dead_tasks",
        gauge("steward_queue_dead_tasks", "Dead tasks that are kept."),
    ),
    (
        "done_tasks",
        gauge("steward_queue_done_tasks", "Done tasks that are kept."),
    ),
    (
        "oldest_ready_ms",
        gauge(
            "steward_queue_oldest_ready_seconds",
            "How long the oldest ready task has waited.",
        ),
    ),
    (
        "waiting_clients",
        gauge("steward_queue_waiting_clients", "Clients that wait for a task."),
    ),
    (
        "scheduled_total",
        counter("steward_tasks_scheduled", "Tasks that were scheduled."),
    ),
    ("lost_total", counter("steward_tasks_lost", "Claims that were lost.")),
    (
        "expired_total",
        counter("steward_tasks_expired", "Tasks that nobody claimed in time."),
    ),
    (
        "cancelled_total",
        counter("steward_tasks_cancelled", "Tasks that were cancelled."),
    ),
];

/// Fields of kinds, which a queue has of all kinds together.
const KIND: [(&str, Family); 4] = [
    (
        "claimed_total",
        counter("steward_tasks_claimed", "Tasks that were claimed."),
    ),
    (
        "acked_total",
        counter("steward_tasks_acked", "Tasks that were acknowledged."),
    ),
    ("failed_total", counter("steward_tasks_failed", "Runs that failed.")),
    ("dead_total", counter("steward_tasks_dead", "Tasks that died.")),
];

const PAUSED: Family = gauge("steward_queue_paused", "1: the queue is paused.");
const LATE: Family = summary("steward_task_late_seconds", "How late due tasks became ready.");
const RUN: Family = summary(
    "steward_task_run_seconds",
    "How long runs took that were acknowledged or failed.",
);
const MEMBERS: Family = gauge("steward_service_members", "Members.");
const LEADERS: Family = gauge("steward_service_leaders", "1: the service has a leader.");

pub(super) fn collect(server: &mut Server<'_>, samples: &mut Samples) -> Result<(), Failure> {
    let node = server.link.node().to_string();
    let of_server = info(server)?;
    for (field, family) in SERVER {
        put(samples, family, &of_server, field, &[("node", &node)]);
    }
    queues(server, samples)?;
    services(server, samples)
}

/// A value in seconds or as it is; none if there is none.
fn value(record: &Record, field: &str) -> Option<f64> {
    let number = record.get(field)?.number()? as f64;
    Some(if field.ends_with("_ms") || field.ends_with("_at") {
        number / 1_000.0
    } else {
        number
    })
}

fn put(samples: &mut Samples, family: Family, record: &Record, field: &str, labels: &[(&'static str, &str)]) {
    if let Some(value) = value(record, field) {
        let labels = labels.iter().map(|(label, value)| (*label, (*value).to_string()));
        samples.add(family, labels.collect(), value);
    }
}

fn queues(server: &mut Server<'_>, samples: &mut Samples) -> Result<(), Failure> {
    for stats in server.list(cmd("TASK.QUEUES").arg("STATS"))? {
        let stats = Record::from_map(stats);
        let kinds = stats.get("kinds").map(Record::all_of).unwrap_or_default();
        queue(samples, &stats.text("queue").unwrap_or_default(), &stats, &kinds);
    }
    Ok(())
}

fn queue(samples: &mut Samples, name: &str, stats: &Record, kinds: &[Record]) {
    for (field, family) in QUEUE {
        put(samples, family, stats, field, &[("queue", name)]);
    }
    let is_paused = f64::from(u8::from(stats.get("paused_until").is_some()));
    samples.add(PAUSED, vec![("queue", name.into())], is_paused);
    for (family, fields) in [
        (LATE, ["late_p50_ms", "late_p99_ms"]),
        (RUN, ["run_p50_ms", "run_p99_ms"]),
    ] {
        for (field, quantile) in fields.into_iter().zip(["0.5", "0.99"]) {
            put(
                samples,
                family,
                stats,
                field,
                &[("queue", name), ("quantile", quantile)],
            );
        }
    }
    for (field, family) in KIND {
        let mut left = value(stats, field).unwrap_or(0.0);
        for kind in kinds {
            let name_of_kind = kind.text("kind").unwrap_or_default();
            left -= value(kind, field).unwrap_or(0.0);
            put(
                samples,
                family,
                kind,
                field,
                &[("queue", name), ("kind", &name_of_kind)],
            );
        }
        samples.add(
            family,
            vec![("queue", name.into()), ("kind", String::new())],
            left.max(0.0),
        );
    }
}

fn services(server: &mut Server<'_>, samples: &mut Samples) -> Result<(), Failure> {
    for service in server.list(cmd("PID.SERVICES").arg("STATS"))? {
        let service = Record::from_map(service);
        let name = service.text("service").unwrap_or_default();
        put(samples, MEMBERS, &service, "members", &[("service", &name)]);
        put(samples, LEADERS, &service, "leaders", &[("service", &name)]);
    }
    Ok(())
}
