//! Handing tasks to the clients that wait: called in the unit that made something ready.

use crate::names::Name;
use crate::reply::Reply;
use crate::task::ready;
use crate::task::take::{Effort, is_paused, take};
use crate::unit::Unit;
use crate::waiting::Handed;

/// Serves the clients that wait in the queue's line, longest wait first, until one gets nothing.
pub fn serve(unit: &mut Unit<'_>, name: &Name) {
    while let Some((ticket, want)) = unit.memory.waiting.first(name) {
        let want = want.clone();
        match take(unit, name, &want, Effort::Bounded) {
            Ok(taken) if !taken.tasks.is_empty() => {
                let handed = |(id, token)| Handed {
                    name: name.clone(),
                    id,
                    token,
                };
                let handed = taken.claims.into_iter().map(handed).collect();
                unit.answer(ticket, Ok(Reply::Array(taken.tasks)), handed);
            }
            Ok(taken) if taken.unsure => return,
            _ => break,
        }
    }
    dismiss(unit, name);
}

/// Answers the clients that waited only for the sweep, when nothing lives in any of their queues.
fn dismiss(unit: &mut Unit<'_>, name: &Name) {
    for ticket in unit.memory.waiting.impatient(name) {
        let names = unit.memory.waiting.names_of(ticket);
        let none = names.iter().all(|name| {
            super::settings(unit, name)
                .and_then(|settings| Ok(is_paused(&settings, unit) || ready::count(unit, name, &settings)? == 0))
                .unwrap_or(true)
        });
        if none {
            unit.answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
}
