//! Keeps the memory of names small, and the sums over them right. A name that was touched is measured within a second,
//! by the length of its keys: differences alone would drift with every change by somebody else. A queue that is not used
//! leaves memory, and a name that has lost its last key is forgotten.

use super::State;
use crate::context::Context;
use crate::membership::service_state::{Loading, ServiceState};
use crate::names::Name;
use crate::state::rest::Rest;
use crate::state::sums::Holds;
use crate::time::{Ms, SECOND, Steady};

/// How long a queue stays in memory without use, and its totals without keys, ms.
const KEPT: Ms = 10 * SECOND;
/// Queues that are in memory without being held there.
const MOST: usize = 256;
/// Names that are visited or forgotten at once.
const TOGETHER: usize = 64;
/// Queues that are looked at to make room for one.
const PUSHED_OUT: usize = 4;
/// Names of emptied databases that are passed over at once.
const PASSED_OVER: usize = 256;

impl State {
    /// Whether the timer may be needed earlier than at the last call.
    pub(crate) fn take_planned(&mut self) -> bool {
        self.names.take_planned() | self.rounds.take_planned()
    }

    /// How long until there is something to do here.
    pub(crate) fn next_keeping(&mut self, now: Steady) -> Option<Ms> {
        if self.rounds.revisit.is_some() || self.names.has_emptied() {
            return Some(0);
        }
        let lines = [self.rounds.resting.next(), self.rounds.leaving.next()];
        let lines = lines.into_iter().flatten();
        let moment = self.rounds.next(now).into_iter().chain(lines).min();
        moment.map(|moment| moment.since(now).max(0))
    }

    /// How long the sums have lacked a change, ms.
    pub(crate) fn sums_age(&self, now: Steady) -> Ms {
        self.rounds.waits_since().map_or(0, |since| now.since(since).max(0))
    }

    /// Lets the names that were touched be measured now, if there are so few.
    pub(crate) fn measure_few(&mut self, few: usize) {
        if self.rounds.count() <= few {
            self.rounds.begin();
        }
    }

    /// The next name to be measured, when it is time.
    pub(crate) fn next_to_measure(&mut self, now: Steady) -> Option<Name> {
        for _ in 0..PASSED_OVER {
            let name = self.rounds.take(now)?;
            self.names.unlist(&name);
            // One without keys, that was measured for somebody who asked, is forgotten here.
            let is_known = self.is_measured(&name) && self.names.holds(&name).is_some_and(Holds::any);
            self.begin_to_measure(&name, now);
            if self.names.has(&name) && !is_known {
                return Some(name);
            }
        }
        None
    }

    /// From now on what is done with a name counts as a change of what it holds.
    pub(crate) fn begin_to_measure(&mut self, name: &Name, now: Steady) {
        self.names.begin_to_measure(name);
        if let Some(queue) = self.queues.get_mut(name) {
            (queue.listed, queue.seen) = (false, now);
        }
        if let Some(service) = self.services.known_mut(name) {
            (service.listed, service.seen) = (false, now);
        }
    }

    /// Whether it is known what the keys of a name hold.
    pub(crate) fn is_measured(&self, name: &Name) -> bool {
        self.rounds.revisit.is_none() && !self.names.is_changed(name)
    }

    /// Records what the keys of a name hold, and what follows from that.
    pub(crate) fn measured(&mut self, name: &Name, holds: Holds, now: Steady) {
        let any = holds.any();
        if holds.blocked == 0 {
            self.dependents.leave(name);
        }
        self.names.measured(name, holds);
        let known = self.queues.get_mut(name);
        let mut has_past = false;
        if let Some(queue) = known {
            queue.dropped &= !any;
            has_past = queue.has_past() && !queue.dropped;
        }
        if !any && !has_past && self.may_forget(name) && !self.names.is_listed(name) {
            self.forget(name);
            return;
        }
        if !any {
            self.line_up_to_leave(name, now);
        }
        self.line_up_to_rest(name, now);
    }

    /// Counts for the history of a queue what happened in it since the last call and how many tasks are ready now, and
    /// plans when that is written.
    pub(crate) fn count_history(&mut self, name: &Name, ready: u32, context: &Context) {
        self.names.histories.limit(&context.config);
        if let Some(queue) = self.queues.get_mut(name) {
            let (happened, wish) = (queue.take_counts(), queue.wishes_history());
            self.names.histories.add(name, &happened, wish);
        }
        if let Some((wall, steady)) = self.names.histories.date(name, ready, context) {
            self.names.wake_at_wall(name, wall);
            self.names.wake_at_steady(name, steady);
        }
    }

    /// Takes queues out of memory, if there are too many, whether they are in use or not: it costs little to bring one
    /// back.
    pub(super) fn make_room(&mut self) {
        for _ in 0..PUSHED_OUT {
            if self.queues.len() >= MOST
                && let Some(name) = self.queues.next_in_turn()
            {
                self.rest(&name, true);
            }
        }
    }

    /// Settles the next names whose time has come; whether there were any.
    pub(crate) fn settle_next(&mut self, now: Steady) -> bool {
        let (resting, leaving) = (self.rounds.resting.take(now), self.rounds.leaving.take(now));
        if let Some(name) = &resting {
            self.settle(name, now);
        }
        if let Some(name) = &leaving {
            self.names.set_leaving(name, false);
            self.let_go(name, now);
        }
        resting.is_some() || leaving.is_some()
    }

    /// Puts a name to rest, if it was not used lately. One that is still to be measured comes back to the line then, and
    /// one with claims or members when these have ended.
    fn settle(&mut self, name: &Name, now: Steady) {
        self.names.set_resting(name, false);
        if self.is_listed(name) {
            return;
        }
        if self.is_idle(name, now) {
            self.rest(name, false);
        }
        if !self.is_held(name) {
            self.line_up_to_rest(name, now);
        }
    }

    /// Forgets a name, if it has had no keys lately.
    fn let_go(&mut self, name: &Name, now: Steady) {
        if self.names.holds(name).is_none_or(Holds::any) {
            return;
        }
        if !self.is_listed(name) && self.is_idle(name, now) && self.may_forget(name) {
            self.forget(name);
        } else {
            self.line_up_to_leave(name, now);
        }
    }

    fn line_up_to_rest(&mut self, name: &Name, now: Steady) {
        if self.is_in_memory(name) && self.names.set_resting(name, true) {
            self.rounds.resting.push(now.after(KEPT), name);
        }
    }

    fn line_up_to_leave(&mut self, name: &Name, now: Steady) {
        if self.names.set_leaving(name, true) {
            self.rounds.leaving.push(now.after(KEPT), name);
        }
    }

    /// Whether it is still to be measured.
    fn is_listed(&self, name: &Name) -> bool {
        self.queues.get(name).is_some_and(|queue| queue.listed)
            || self.services.known(name).is_some_and(|service| service.listed)
    }

    /// Whether it was not used lately.
    fn is_idle(&self, name: &Name, now: Steady) -> bool {
        let is_old = |seen: Steady| now.since(seen) >= KEPT;
        self.queues.get(name).is_none_or(|queue| is_old(queue.seen))
            && self.services.known(name).is_none_or(|service| is_old(service.seen))
    }

    fn is_in_memory(&self, name: &Name) -> bool {
        self.queues.get(name).is_some() || self.services.known(name).is_some()
    }

    /// Whether claims, members or workers keep a name in memory.
    fn is_held(&self, name: &Name) -> bool {
        let queue = self.queues.get(name);
        queue.is_some_and(|queue| !(queue.claims.is_empty() && queue.ended.is_empty() && queue.active.is_empty()))
            || self.services.known(name).is_some_and(|service| !service.is_empty())
    }

    /// Whether a name without keys may be forgotten: nobody waits for it, no claim or member is to be ended, and its
    /// history is written.
    fn may_forget(&self, name: &Name) -> bool {
        let queue = self.queues.get(name);
        !self.waiting.any(name)
            && !self.names.histories.lacks(name)
            && queue.is_none_or(|queue| queue.claims.is_empty() && queue.ended.is_empty())
            && self.services.known(name).is_none_or(|service| service.is_empty())
    }

    /// Takes a name out of memory, as far as nothing is lost but, at once, which workers claimed in the last minute.
    fn rest(&mut self, name: &Name, at_once: bool) {
        if let Some(queue) = self.queues.get_mut(name) {
            if let Some(rate) = queue.settings.as_ref().and_then(|settings| settings.rate) {
                queue.recent.room(rate, queue.seen);
            }
            if (at_once || queue.active.is_empty())
                && let Some(rest) = Rest::of(queue, self.rounds.era)
            {
                if self.names.has(name) {
                    let (happened, wish) = (queue.take_counts(), queue.wishes_history());
                    self.names.histories.add(name, &happened, wish);
                }
                self.names.put_queue(name, rest);
                self.queues.remove(name);
            }
        }
        let reclaims = self.services.reclaims_since.is_some();
        let is_done = |service: &ServiceState| service.is_empty() && service.loading == Loading::Done;
        if !reclaims && self.services.known(name).is_some_and(is_done) {
            self.services.forget(name);
        }
    }

    /// Lets the timer come to the next names, after all keys may have changed; whether there are more.
    pub(crate) fn revisit_some(&mut self) -> bool {
        let Some(after) = self.rounds.revisit.take() else {
            return false;
        };
        let names = self.names.after(after.as_ref(), TOGETHER);
        for name in &names {
            self.names.wake_now(name);
            if self.names.list(name) {
                self.rounds.touch(name);
            }
        }
        self.rounds.revisit = names.into_iter().next_back().map(Some);
        self.rounds.revisit.is_some()
    }

    /// Forgets some names of databases that were emptied; whether there may be more.
    pub(crate) fn sweep_some(&mut self) -> bool {
        for name in self.names.of_emptied(TOGETHER) {
            self.forget(&name);
        }
        self.names.has_emptied()
    }
}
