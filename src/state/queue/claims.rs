//! Which worker has claimed what in a queue.

use std::collections::{BTreeMap, VecDeque};

use crate::names::{Id, Name};

/// A claim, as far as memory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The task.
    pub id: Id,
    /// The connection the claim is bound to.
    pub connection: Option<u64>,
}

/// Worker number → its claims.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    by_worker: BTreeMap<u32, Line>,
}

/// The claims of one worker by token. Tokens grow, so they are in claim order, and most end in that order: what ends
/// further behind leaves a gap, until gaps are more than half.
#[derive(Clone, Debug, Default)]
struct Line {
    claims: VecDeque<(u64, Option<Held>)>,
    count: usize,
}

impl Line {
    fn place(&self, token: u64) -> Result<usize, usize> {
        match self.claims.front() {
            Some((first, _)) if *first == token => Ok(0),
            _ => self.claims.binary_search_by_key(&token, |(token, _)| *token),
        }
    }

    fn insert(&mut self, token: u64, held: Held) {
        let is_last = self.claims.back().is_none_or(|(last, _)| *last < token);
        let place = if is_last {
            Err(self.claims.len())
        } else {
            self.place(token)
        };
        match place {
            Ok(at) => match self.claims.get_mut(at) {
                Some((_, gap @ None)) => *gap = Some(held),
                _ => return,
            },
            Err(at) => self.claims.insert(at, (token, Some(held))),
        }
        self.count += 1;
    }

    fn get(&self, token: u64) -> Option<&Held> {
        self.claims.get(self.place(token).ok()?)?.1.as_ref()
    }

    fn get_mut(&mut self, token: u64) -> Option<&mut Held> {
        let place = self.place(token).ok()?;
        self.claims.get_mut(place)?.1.as_mut()
    }

    fn remove(&mut self, token: u64) -> Option<Held> {
        let place = self.place(token).ok()?;
        let held = self.claims.get_mut(place)?.1.take()?;
        self.count -= 1;
        while let Some((_, None)) = self.claims.front() {
            self.claims.pop_front();
        }
        if self.claims.len() > 2 * self.count + SPARE {
            self.claims.retain(|(_, held)| held.is_some());
            self.claims.shrink_to(2 * self.count + SPARE);
        }
        Some(held)
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &Held)> {
        self.claims
            .iter()
            .filter_map(|(token, held)| Some((*token, held.as_ref()?)))
    }
}

/// Workers without claims that are kept, and gaps, so that neither comes and goes with every claim.
const SPARE: usize = 16;

impl Claims {
    /// Adds a claim; one that is known stays as it is.
    pub(crate) fn insert(&mut self, worker: u32, token: u64, held: Held) {
        self.by_worker.entry(worker).or_default().insert(token, held);
    }
    /// Binds a claim to a connection, or unbinds it; whether there is such a claim.
    pub(crate) fn tie(&mut self, worker: u32, token: u64, connection: Option<u64>) -> bool {
        let held = self.by_worker.get_mut(&worker).and_then(|line| line.get_mut(token));
        held.map(|held| held.connection = connection).is_some()
    }
    /// A claim.
    pub(crate) fn get(&self, worker: u32, token: u64) -> Option<&Held> {
        self.by_worker.get(&worker)?.get(token)
    }
    /// Forgets a claim that has ended.
    pub(crate) fn remove(&mut self, worker: u32, token: u64) -> Option<Held> {
        let line = self.by_worker.get_mut(&worker)?;
        let held = line.remove(token);
        if line.count == 0 && self.by_worker.len() > SPARE {
            self.by_worker.remove(&worker);
        }
        held
    }
    /// Every worker with claims, and how many.
    pub(crate) fn summary(&self) -> impl Iterator<Item = (u32, usize)> {
        let all = self.by_worker.iter().map(|(worker, line)| (*worker, line.count));
        all.filter(|(_, count)| *count > 0)
    }
    /// The token of the worker's oldest claim.
    pub(crate) fn oldest(&self, worker: u32) -> Option<u64> {
        self.by_worker.get(&worker)?.iter().next().map(|(token, _)| token)
    }
    /// The worker's claims with tokens smaller than this, the oldest first.
    pub(crate) fn below(&self, worker: u32, token: u64) -> impl Iterator<Item = (u64, &Held)> {
        let claims = self.by_worker.get(&worker).into_iter().flat_map(Line::iter);
        claims.take_while(move |(claimed, _)| *claimed < token)
    }
    /// How many claims the worker has.
    pub(crate) fn count(&self, worker: u32) -> usize {
        self.by_worker.get(&worker).map_or(0, |line| line.count)
    }
    /// Whether there are no claims.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_worker.values().all(|line| line.count == 0)
    }
}

/// A claim that is bound to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundClaim {
    /// The queue of the task.
    pub queue: Name,
    /// The task.
    pub id: Id,
    /// The number of its worker.
    pub worker: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    /// As a map of maps, whatever comes and goes.
    #[test]
    fn claims_are_as_in_a_map() {
        let draw = Context {
            chance: 7,
            ..Context::default()
        };
        let mut claims = Claims::default();
        let mut map: BTreeMap<u32, BTreeMap<u64, Held>> = BTreeMap::new();
        for step in 0..20_000 {
            let number = |salt: u64, most: i64| draw.draw(4 * step + salt, most).unsigned_abs();
            let worker = number(0, 40) as u32;
            // Many at first, and few at the end.
            let token = if step < 10_000 {
                step / 2 + number(1, 5)
            } else {
                number(1, 6_000)
            };
            let held = Held {
                id: Id::from_slice(&token.to_be_bytes()),
                connection: None,
            };
            if step < 10_000 && number(2, 3) > 0 {
                claims.insert(worker, token, held.clone());
                map.entry(worker).or_default().entry(token).or_insert(held);
            } else {
                let known = map.get_mut(&worker).and_then(|claims| claims.remove(&token));
                assert_eq!(claims.get(worker, token), known.as_ref());
                assert_eq!(claims.remove(worker, token), known);
            }
            map.retain(|_, claims| !claims.is_empty());
            assert_eq!(claims.count(worker), map.get(&worker).map_or(0, BTreeMap::len));
            if step % 100 == 0 {
                let counts = map.iter().map(|(worker, claims)| (*worker, claims.len()));
                assert!(claims.summary().eq(counts));
                let oldest = map.get(&worker).and_then(|claims| claims.keys().next());
                assert_eq!(claims.oldest(worker), oldest.copied());
                let known = map.get(&worker).into_iter().flat_map(|claims| claims.range(..token));
                assert!(
                    claims
                        .below(worker, token)
                        .eq(known.map(|(token, held)| (*token, held)))
                );
                assert_eq!(claims.is_empty(), map.is_empty());
            }
            for (worker, line) in &claims.by_worker {
                assert!(line.claims.len() <= 2 * line.count + SPARE, "worker {worker}");
            }
        }
    }
}
