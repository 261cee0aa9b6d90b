//! What is asked with one scrape.

use redis::{Cmd, Value, cmd};

use super::families::{Family, Samples, Type};
use crate::connect::Reply;
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

/// Fields of STATS.
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

/// Fields of STATS KINDS, which STATS has of all kinds together.
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

/// Both STATS of a queue in one transaction, as what no kind has is the difference.
fn stats_of(queue: &str) -> [Cmd; 4] {
    let stats = |words: &[&str]| cmd("TASK.STATS").arg(queue).arg(words).to_owned();
    [cmd("MULTI"), stats(&[]), stats(&["KINDS"]), cmd("EXEC")]
}

fn queues(server: &mut Server<'_>, samples: &mut Samples) -> Result<(), Failure> {
    let names = server.names("TASK.QUEUES", None)?;
    for names in names.chunks(100) {
        let asked: Vec<Cmd> = names.iter().flat_map(|name| stats_of(name)).collect();
        let replies = server.call_all(&asked)?;
        for (name, replies) in names.iter().zip(replies.chunks(4)) {
            let failed = replies.iter().find_map(|reply| reply.as_ref().err());
            if let Some(error) = failed {
                return Err(server.connector.failure(error));
            }
            // Without names: one that was dropped meanwhile has no stats.
            let Some(Ok(Reply(Value::Array(both)))) = replies.last() else {
                continue;
            };
            if let [stats, kinds] = &both[..] {
                queue(
                    samples,
                    name,
                    &Record::of(&Reply(stats.clone())),
                    &Record::all_of(&Reply(kinds.clone())),
                );
            }
        }
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
    for service in server.names("PID.SERVICES", None)? {
        let (mut members, mut leaders) = (0.0, 0.0);
        server.pages(
            || cmd("PID.LIST").arg(&service).arg("COUNT").arg(1000).to_owned(),
            |_, page| {
                for member in Record::all_of(&page) {
                    members += 1.0;
                    leaders += f64::from(u8::from(member.text("role").as_deref() == Some("leader")));
                }
                Ok(true)
            },
        )?;
        samples.add(MEMBERS, vec![("service", service.clone())], members);
        samples.add(LEADERS, vec![("service", service.clone())], leaders);
    }
    Ok(())
}
