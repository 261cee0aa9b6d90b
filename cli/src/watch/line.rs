//! How a queue has gone in the last hour, as far as somebody looked.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Rate, Sample, rate};

const LONGEST: Duration = Duration::from_secs(3_600);
/// With so many points they are thinned: the longer a line is, the farther they are apart.
const POINTS: usize = 120;
const APART: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Point {
    at: Instant,
    sample: Sample,
    /// Whether nobody looked for a while before.
    is_first: bool,
}

/// A point of a stretch: where it is, from 0 at the left to 1 at the right, and how the queue went there.
pub(crate) type Place = (f64, Rate);

#[derive(Clone)]
pub(crate) struct Line {
    points: VecDeque<Point>,
    apart: Duration,
    /// When somebody first looked, unix milliseconds; `None` when that is more than an hour ago.
    pub since: Option<i64>,
}

impl Default for Line {
    fn default() -> Line {
        Line {
            points: VecDeque::new(),
            apart: APART,
            since: None,
        }
    }
}

impl Line {
    /// Adds what was seen now; `gap` is how long nobody looks before the line is broken.
    pub(super) fn add(&mut self, at: Instant, sample: Sample, gap: Duration) {
        let old = self.points.partition_point(|point| at - point.at > LONGEST);
        if self.points.drain(..old).next_back().is_some() {
            self.since = None;
        }
        let is_restarted = |last: &Point| last.sample.is_restarted(&sample);
        if self.points.back().is_none_or(is_restarted) {
            *self = Line::default();
            let ago = i64::try_from(at.elapsed().as_millis()).unwrap_or(0);
            self.since = Some(Timestamp::now().as_millisecond() - ago);
        }
        let is_first = self.last_look().is_none_or(|last| at - last > gap);
        if !is_first && self.ends_early() {
            self.points.pop_back();
        }
        if self.points.len() >= POINTS {
            self.thin();
        }
        self.points.push_back(Point { at, sample, is_first });
    }

    pub(super) fn last_look(&self) -> Option<Instant> {
        self.points.back().map(|last| last.at)
    }

    /// Whether the last point is closer to the one before it than they are to be: it moves on.
    fn ends_early(&self) -> bool {
        let mut points = self.points.iter().rev();
        let last = points.next().filter(|last| !last.is_first);
        let steps = last.zip(points.next());
        steps.is_some_and(|(last, before)| last.at - before.at < self.apart)
    }

    fn thin(&mut self) {
        self.apart *= 2;
        let mut last: Option<Instant> = None;
        self.points.retain(|point| {
            let stays = point.is_first || last.is_none_or(|last| point.at - last >= self.apart);
            if stays {
                last = Some(point.at);
            }
            stays
        });
        // Somebody looks now and then.
        if self.points.len() >= POINTS {
            self.points.pop_front();
        }
    }

    /// The stretches in which somebody looked.
    pub(crate) fn stretches(&self) -> Vec<Vec<Place>> {
        let (Some(first), Some(last)) = (self.points.front(), self.points.back()) else {
            return Vec::new();
        };
        let whole = (last.at - first.at).as_secs_f64().max(0.001);
        let place = |point: &Point| (point.at - first.at).as_secs_f64() / whole;
        let mut stretches: Vec<Vec<Place>> = Vec::new();
        for (before, after) in self.points.iter().zip(self.points.iter().skip(1)) {
            if after.is_first {
                continue;
            }
            let went = rate((&(before.at, before.sample), &(after.at, after.sample)));
            match stretches.last_mut().filter(|_| !before.is_first) {
                Some(stretch) => stretch.push((place(after), went)),
                None => {
                    let begun = Rate {
                        #[allow(clippy::cast_precision_loss)]
                        ready: before.sample.ready as f64,
                        ..went
                    };
                    stretches.push(vec![(place(before), begun), (place(after), went)]);
                }
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(30);

    /// A line that was seen at these seconds, of a queue that takes two tasks a second.
    fn seen(line: &mut Line, seconds: impl Iterator<Item = u64>) {
        let begin = line.points.front().map_or_else(Instant::now, |first| first.at);
        for second in seconds {
            let count = i64::try_from(second).unwrap();
            let sample = Sample {
                scheduled: 2 * count,
                acked: count,
                failed: 0,
                ready: count,
            };
            line.add(begin + Duration::from_secs(second), sample, GAP);
        }
    }

    #[test]
    fn an_hour_has_few_points_and_loses_nothing() {
        let mut line = Line::default();
        for minutes in [1, 2, 10, 60] {
            seen(&mut line, 0..minutes * 60);
            let stretches = line.stretches();
            assert_eq!(stretches.len(), 1);
            let [(left, first), .., (right, last)] = stretches[0][..] else {
                panic!("a line")
            };
            assert!(stretches[0].len() >= 55 && stretches[0].len() <= POINTS, "{minutes}");
            assert!((left, right) == (0.0, 1.0) && first.ready < 1.0);
            assert_eq!(last.ready as u64, minutes * 60 - 1, "it ends now");
            assert!(stretches[0].iter().all(|(_, rate)| (rate.scheduled - 2.0).abs() < 0.01));
            assert!(line.since.is_some());
            line = Line::default();
        }
    }

    #[test]
    fn what_is_older_than_an_hour_goes() {
        let mut line = Line::default();
        seen(&mut line, (0..9_000).step_by(3));
        assert_eq!(line.since, None);
        let [(_, first), .., (_, last)] = line.stretches()[0][..] else {
            panic!("a line")
        };
        assert!(
            (3_500.0..=3_600.0).contains(&(last.ready - first.ready)),
            "{first:?} {last:?}"
        );
    }

    #[test]
    fn where_nobody_looked_it_is_broken() {
        let mut line = Line::default();
        let since = |line: &Line| line.since;
        seen(&mut line, (0..10).chain(600..610).chain([900]).chain(1_200..1_202));
        let stretches = line.stretches();
        let lengths: Vec<usize> = stretches.iter().map(Vec::len).collect();
        assert_eq!(lengths, [10, 10, 2]);
        assert!((stretches[1][0].0 - 600.0 / 1_201.0).abs() < 0.001);
        assert!(since(&line).is_some());
        // Of one who looks now and then it is not longer than of others.
        let mut line = Line::default();
        seen(
            &mut line,
            (0..20_000).step_by(31).flat_map(|second| [second, second + 1]),
        );
        assert!(line.points.len() <= POINTS + 1);
        // After more than an hour all begins anew, and so it does with the counters of the server.
        seen(&mut line, 50_000..50_005);
        assert_eq!(line.points.len(), 5);
        let begun = since(&line);
        assert!(begun.is_some());
        seen(&mut line, 0..1);
        assert_eq!(line.points.len(), 1);
    }
}
