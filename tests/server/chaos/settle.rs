//! What must be there after a fault.

use std::collections::{BTreeMap, BTreeSet};

use super::checker::{Batch, Checker, Mark, Task};
use super::soak::EVERY;

/// What a fault leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Promise {
    /// All that was answered.
    All,
    /// All that was answered before this moment, unix ms.
    Before(i64),
    /// All that WAIT has confirmed.
    Confirmed,
}

/// A task that is there.
#[derive(Debug)]
pub(super) struct Seen {
    pub key: String,
    pub place: &'static str,
    pub payload: String,
}

impl Checker {
    /// Compares what is there after a fault with what was promised, and takes it as known from then on. No call is
    /// under way.
    pub(super) fn settle(&mut self, promise: Promise, there: &[Seen]) {
        self.note(&format!("{promise:?}, {} tasks are there", there.len()));
        let confirmed = std::mem::take(&mut self.confirmed);
        let is_sure = |mark: Mark| match promise {
            _ if mark.sure => true,
            Promise::All => true,
            Promise::Before(moment) => mark.read_ms < moment,
            Promise::Confirmed => mark.direct && confirmed.get(&mark.client).is_some_and(|moment| mark.read < *moment),
        };
        let mark = self.sure();
        for seen in there {
            self.seen(&seen.key, &seen.payload);
            // Of what was never answered, nothing is known.
            self.tasks.entry(seen.key.clone()).or_default();
        }
        let places: BTreeMap<&str, &str> = there.iter().map(|seen| (seen.key.as_str(), seen.place)).collect();
        self.settle_batches(&places, &is_sure);
        let mut wrong = Vec::new();
        for (key, task) in &mut self.tasks {
            let place = places.get(key.as_str()).copied();
            wrong.extend(task.wrong_place(place, &is_sure).map(|what| (key.clone(), what)));
            // Who took part in it may be gone as well.
            task.loose |= task.ended.is_some_and(|ended| !is_sure(ended));
            // Its end was carried out, was told to a client, and is gone: the reply to the ACK itself need not have come.
            let id = key.split(' ').next_back().unwrap_or_default();
            let told = self.replies.get(id);
            let forgotten = told.is_some_and(|told| !told.iter().any(|reply| places.contains_key(reply.as_str())));
            task.adopt(place, mark, matches!(promise, Promise::All), forgotten);
        }
        wrong.iter().for_each(|(key, what)| self.violated(key, what));
        self.leaders.keep(is_sure);
    }

    fn settle_batches(&mut self, places: &BTreeMap<&str, &str>, is_sure: &impl Fn(Mark) -> bool) {
        let is_there = |key: &Option<String>| key.as_ref().is_some_and(|key| places.contains_key(key.as_str()));
        let mut wrong = Vec::new();
        for (name, Batch { keys, accepted }) in &self.batches {
            let may_be_gone = |key: &Option<String>| {
                let task = key.as_ref().and_then(|key| self.tasks.get(key));
                task.is_some_and(|task| !task.is_live())
            };
            let whole = accepted.is_some_and(is_sure) || keys.iter().any(is_there);
            if whole && !keys.iter().all(|key| is_there(key) || may_be_gone(key)) {
                wrong.push((name.clone(), format!("of a batch only a part is there: {keys:?}")));
            }
        }
        wrong.iter().for_each(|(name, what)| self.violated(name, what));
        self.batches.retain(|_, batch| batch.keys.iter().any(is_there));
    }

    /// The end of a round: no task waits any more.
    pub(super) fn finish(&mut self) {
        let mut wrong = Vec::new();
        for (key, task) in &self.tasks {
            let id = key.split(' ').next_back().unwrap_or_default();
            let replies = self.replies.get(id).map_or(0, BTreeSet::len);
            let is_sure = task.wishes.replies && task.ended.is_some() && !task.loose && !task.undone;
            if is_sure && task.accepted.is_some() && replies != 1 {
                wrong.push((key.clone(), format!("acknowledged once, replied {replies} times")));
            }
        }
        for (name, dues) in &self.occurrences {
            let dues: Vec<i64> = dues.iter().copied().collect();
            let steps: Vec<i64> = dues.windows(2).map(|pair| pair[1] - pair[0]).collect();
            if let Some(at) = steps.iter().position(|step| *step != EVERY) {
                wrong.push((
                    name.clone(),
                    format!("no occurrence between {} and {}", dues[at], dues[at + 1]),
                ));
            }
        }
        wrong.iter().for_each(|(key, what)| self.violated(key, what));
    }
}

impl Task {
    fn wrong_place(&self, place: Option<&str>, is_sure: &impl Fn(Mark) -> bool) -> Option<String> {
        let ended = self.ended.is_some_and(is_sure) && !self.loose;
        match place {
            None if self.is_live() && [self.accepted, self.again].into_iter().flatten().any(is_sure) => {
                Some("accepted, not acknowledged, gone".into())
            }
            None if ended && self.wishes.retained => Some("acknowledged, to be kept, gone".into()),
            // A cancelled one that is kept is there, too.
            Some("done") if self.ended.is_none() && self.ending == 0 && !self.loose => {
                Some("done, and never acknowledged".into())
            }
            Some("done") | None => None,
            Some(place) => ended.then(|| format!("acknowledged, and {place}")),
        }
    }

    /// Takes its place as known.
    fn adopt(&mut self, place: Option<&str>, mark: Mark, keeps_all: bool, forgotten: bool) {
        self.claimed &= keeps_all;
        self.ending = 0;
        self.kept = Some(place == Some("done"));
        if matches!(place, None | Some("done")) {
            // One that is not there never will be, whether it was acknowledged or never accepted.
            self.loose |= self.ended.is_none();
            self.ended = Some(mark);
        } else {
            self.undone |= self.ended.is_some() || forgotten && !keeps_all;
            self.ended = None;
            // Its place in a line is that of then.
            self.accepted = Some(self.accepted.map_or(mark, |then| Mark { sure: true, ..then }));
            self.cancelled = self.cancelled.filter(|_| keeps_all);
        }
    }
}
