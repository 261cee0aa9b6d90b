//! The queues as one user sees them, and how they have changed while somebody looked.

mod line;
mod samples;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::cmd;

use crate::connect::{CallError, Link, PATIENCE};
use crate::output::record::Record;
pub(crate) use line::{Line, Place};
use samples::{Pace, Samples};

/// Queues whose last hour is kept: the last ones whose chart was looked at.
const LINES: usize = 100;
/// The server is left alone for so many times as long as it took to answer, within these bounds.
const REST: u32 = 100;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// What a ready task may wait before it is told in red, in milliseconds: the alarm of docs/operating/index.md.
pub(crate) const LATE: i64 = 60_000;

/// The numbers of a queue at a moment.
#[derive(Clone, Copy)]
struct Sample {
    scheduled: i64,
    acked: i64,
    failed: i64,
    ready: i64,
}

impl Sample {
    /// Whether the server has begun to count anew since then.
    fn is_restarted(&self, now: &Sample) -> bool {
        self.scheduled > now.scheduled
    }
}

/// How a queue went between two samples, each second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rate {
    pub scheduled: f64,
    pub acked: f64,
    pub failed: f64,
    pub ready: f64,
}

impl Rate {
    /// The sum of two queues.
    pub(crate) fn and(self, other: &Rate) -> Rate {
        Rate {
            scheduled: self.scheduled + other.scheduled,
            acked: self.acked + other.acked,
            failed: self.failed + other.failed,
            ready: self.ready + other.ready,
        }
    }
}

/// A queue at a moment, and before.
#[derive(Clone)]
pub(crate) struct Seen {
    pub name: String,
    pub stats: Record,
    pub rates: Vec<Rate>,
}

pub(crate) struct Snapshot {
    pub queues: Vec<Seen>,
    taken: Instant,
    rest: Duration,
}

pub(crate) struct Watch {
    /// The server is left alone for at least and at most so long.
    shortest: Duration,
    longest: Duration,
    last: Option<Arc<Snapshot>>,
    samples: HashMap<String, Samples>,
    lines: HashMap<String, Line>,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch::resting(SHORTEST, LONGEST)
    }
}

/// The queues of a server, each with its numbers.
pub(crate) fn queues(link: &mut Link) -> Result<Vec<Record>, CallError> {
    let queues = link.list(cmd("TASK.QUEUES").arg("STATS"), PATIENCE)?;
    Ok(queues.into_iter().map(Record::from_map).collect())
}

impl Watch {
    /// One that leaves the server alone for times within these bounds.
    pub(crate) fn resting(shortest: Duration, longest: Duration) -> Watch {
        Watch {
            shortest,
            longest,
            last: None,
            samples: HashMap::new(),
            lines: HashMap::new(),
        }
    }

    /// All queues, sorted. However many look, `ask` is called once, and then the server is left alone for a while.
    pub(crate) fn queues<E>(&mut self, ask: impl FnOnce() -> Result<Vec<Record>, E>) -> Result<Arc<Snapshot>, E> {
        if let Some(last) = self.last.as_ref().filter(|last| last.taken.elapsed() < last.rest) {
            return Ok(last.clone());
        }
        let begin = Instant::now();
        let stats = ask()?;
        let rest = rest_within(begin.elapsed(), self.shortest, self.longest);
        let see = |stats: Record| {
            let name = stats.text("queue").unwrap_or_default();
            let stats = stats.without(&["queue", "kinds"]);
            let rates = self.sample(&name, &stats);
            Seen { name, stats, rates }
        };
        let mut queues: Vec<Seen> = stats.into_iter().map(see).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        queues.dedup_by(|a, b| a.name == b.name);
        let (taken, gap) = (Instant::now(), self.pace().gap);
        self.samples.retain(|_, samples| samples.is_looked_at(taken, gap));
        let snapshot = Arc::new(Snapshot { queues, taken, rest });
        self.last = Some(snapshot.clone());
        Ok(snapshot)
    }

    fn pace(&self) -> Pace {
        Pace::resting(self.shortest, self.longest)
    }

    /// Remembers the numbers of a queue, and tells how they have changed.
    pub(crate) fn sample(&mut self, name: &str, stats: &Record) -> Vec<Rate> {
        let number = |field| stats.number(field).unwrap_or(0);
        let sample = Sample {
            scheduled: number("scheduled_total"),
            acked: number("acked_total"),
            failed: number("failed_total") + number("lost_total"),
            ready: number("ready_tasks"),
        };
        let (now, pace) = (Instant::now(), self.pace());
        if let Some(line) = self.lines.get_mut(name) {
            line.add(now, sample, pace.gap);
        }
        let samples = self.samples.entry(name.into()).or_default();
        samples.add((now, sample), pace);
        samples.steps().map(rate).collect()
    }

    /// The same for one whose chart is looked at, and how it has gone in the last hour.
    pub(crate) fn follow(&mut self, name: &str, stats: &Record) -> (Vec<Rate>, Line) {
        let lines = &mut self.lines;
        if !lines.contains_key(name) {
            let oldest = lines.iter().min_by_key(|(_, line)| line.last_look());
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()).filter(|_| lines.len() >= LINES) {
                lines.remove(&oldest);
            }
            let mut line = Line::default();
            for (at, sample) in self.samples.get(name).into_iter().flat_map(Samples::all) {
                line.add(*at, *sample, Duration::MAX);
            }
            lines.insert(name.into(), line);
        }
        let rates = self.sample(name, stats);
        (rates, self.lines.get(name).cloned().unwrap_or_default())
    }
}

/// How long nobody is asked again after an answer that took so long.
pub(crate) fn rest(took: Duration) -> Duration {
    rest_within(took, SHORTEST, LONGEST)
}

fn rest_within(took: Duration, shortest: Duration, longest: Duration) -> Duration {
    (took * REST).clamp(shortest, longest)
}

fn rate(((from, before), (to, after)): (&(Instant, Sample), &(Instant, Sample))) -> Rate {
    let seconds = (*to - *from).as_secs_f64().max(0.001);
    #[allow(clippy::cast_precision_loss)]
    let each = |before: i64, after: i64| (after - before).max(0) as f64 / seconds;
    Rate {
        scheduled: each(before.scheduled, after.scheduled),
        acked: each(before.acked, after.acked),
        failed: each(before.failed, after.failed),
        ready: each(0, after.ready) * seconds,
    }
}

/// Whether tasks are ready, none is claimed, and no client waits for one.
pub(crate) fn has_no_worker(stats: &Record) -> bool {
    let has = |name: &str| stats.number(name).is_some_and(|count| count > 0);
    has("ready_tasks") && !has("claimed_tasks") && !has("waiting_clients")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_left_alone_a_hundred_times_as_long_as_it_took() {
        let millis = Duration::from_millis;
        assert_eq!(rest(millis(1)), millis(1_000));
        assert_eq!(rest(millis(40)), millis(4_000));
        assert_eq!(rest(millis(4_000)), millis(15_000));
    }

    #[test]
    fn samples_of_someone_who_looks_seldom_are_a_line_too() {
        let hour = Duration::from_secs(3_600);
        for (shortest, longest) in [(hour, hour), (Duration::from_millis(100), Duration::from_millis(100))] {
            assert!(Watch::resting(shortest, longest).pace().gap >= (longest * 2).max(LONGEST));
        }
    }

    #[test]
    fn lines_are_kept_of_the_queues_that_were_looked_at_last() {
        let mut watch = Watch::default();
        let stats = Record::default().and("scheduled_total", 1);
        watch.sample("seen", &stats);
        assert!(watch.lines.is_empty(), "in a list of all");
        for number in 0..2 * LINES {
            watch.follow(&number.to_string(), &stats);
        }
        assert_eq!(watch.lines.len(), LINES);
        assert!(watch.lines.contains_key(&(2 * LINES - 1).to_string()));
        // What the list has shown of it before is in its line.
        let (_, line) = watch.follow("seen", &stats);
        assert_eq!(line.stretches().len(), 1);
    }

    #[test]
    fn rates_are_what_changed_each_second() {
        let begin = Instant::now();
        let sample = |seconds, total, ready| {
            let sample = Sample {
                scheduled: total,
                acked: total / 2,
                failed: 0,
                ready,
            };
            (begin + Duration::from_secs(seconds), sample)
        };
        let found = rate((&sample(0, 100, 9), &sample(2, 140, 7)));
        assert_eq!((found.scheduled, found.acked, found.failed), (20.0, 10.0, 0.0));
        assert!((found.ready - 7.0).abs() < 0.001);
    }
}
