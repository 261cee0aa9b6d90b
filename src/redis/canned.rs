//! Parts of replies that are always the same. The server copies a reply of one of its commands as a whole, where a string
//! of ours takes three steps: the length, the bytes, the line end.

use std::cell::RefCell;

use super::api::{CallReply, Ctx};

/// The field names of the replies that every task and every heartbeat gets.
const FIELDS: [&str; 12] = [
    "id",
    "token",
    "attempt",
    "kind",
    "payload",
    "role",
    "epoch",
    "leader",
    "ttl_ms",
    "signal",
    "cancelled",
    "queue",
];
/// A place for each field, by its length and its first byte; two in one place would share it in vain.
const PLACES: usize = 32;
/// Those of the numbers of a queue, which a list of queues has a thousand times.
const NUMBERS: [&str; 24] = [
    "scheduled_tasks",
    "ready_tasks",
    "claimed_tasks",
    "blocked_tasks",
    "done_tasks",
    "dead_tasks",
    "scheduled_total",
    "claimed_total",
    "acked_total",
    "failed_total",
    "lost_total",
    "dead_total",
    "expired_total",
    "cancelled_total",
    "since_at",
    "oldest_ready_ms",
    "late_p50_ms",
    "late_p99_ms",
    "late_max_ms",
    "run_p50_ms",
    "run_p99_ms",
    "waiting_clients",
    "paused_until",
    "kinds",
];
/// A place for each of them, by its length and two of its bytes.
const NUMBER_PLACES: usize = 64;

thread_local! {
    static CANNED: RefCell<Canned> = const { RefCell::new(Canned::NONE) };
}

/// The prepared replies.
#[derive(Debug)]
pub(super) struct Canned {
    ok: Option<CallReply>,
    fields: [Option<(&'static str, CallReply)>; PLACES],
    numbers: [Option<(&'static str, CallReply)>; NUMBER_PLACES],
}

impl Canned {
    const NONE: Canned = Canned {
        ok: None,
        fields: [const { None }; PLACES],
        numbers: [const { None }; NUMBER_PLACES],
    };
}

/// Prepares the replies. Where a command has another name there is none, and the reply is written in steps.
///
/// `lasting` is a context that lives as long as they do: the server uses it to free them.
pub(super) fn prepare(lasting: *mut Ctx) {
    let usable = |reply: CallReply| (!reply.is_error()).then_some(reply);
    CANNED.with_borrow_mut(|canned| {
        canned.ok = usable(CallReply::of(lasting, c"UNWATCH", "E", &[]));
        let name = |field: &'static str| {
            let reply = usable(CallReply::of(lasting, c"ECHO", "E", &[field.as_bytes()]));
            reply.map(|reply| (field, reply))
        };
        for field in FIELDS {
            if let Some(place) = canned.fields.get_mut(place(field)) {
                *place = name(field);
            }
        }
        for field in NUMBERS {
            if let Some(place) = canned.numbers.get_mut(number_place(field)) {
                *place = name(field);
            }
        }
    });
}

/// Forgets them, before the context.
pub(super) fn forget() {
    CANNED.replace(Canned::NONE);
}

/// Writes the status `OK`; whether it did.
pub(super) fn write_ok(ctx: *mut Ctx) -> bool {
    CANNED.with_borrow(|canned| canned.ok.as_ref().is_some_and(|ok| ok.pass_on(ctx)))
}

/// Calls `write` with the names of fields.
#[inline(always)]
pub(super) fn with_fields<R>(write: impl FnOnce(&Canned) -> R) -> R {
    CANNED.with_borrow(write)
}

impl Canned {
    /// Writes the name of a field as a string; whether it did.
    #[inline(always)]
    pub(super) fn write_field(&self, ctx: *mut Ctx, field: &str) -> bool {
        match self.fields.get(place(field)) {
            Some(Some((known, reply))) if *known == field => reply.pass_on(ctx),
            _ => self.write_number(ctx, field),
        }
    }

    #[inline(never)]
    fn write_number(&self, ctx: *mut Ctx, field: &str) -> bool {
        match self.numbers.get(number_place(field)) {
            Some(Some((known, reply))) if *known == field => reply.pass_on(ctx),
            _ => false,
        }
    }
}

#[inline(always)]
const fn place(field: &str) -> usize {
    let first = match field.as_bytes() {
        [first, ..] => *first as usize,
        [] => 0,
    };
    (first + 20 * field.len()) % PLACES
}

fn number_place(field: &str) -> usize {
    let byte = |at: usize| field.as_bytes().get(at).map_or(0, |byte| usize::from(*byte));
    let length = field.len();
    (16 * length + 3 * byte(2) + byte(length.wrapping_sub(4))) % NUMBER_PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_place_of_its_own() {
        let places: std::collections::BTreeSet<usize> = FIELDS.iter().map(|field| place(field)).collect();
        assert_eq!(places.len(), FIELDS.len());
        let places: std::collections::BTreeSet<usize> = NUMBERS.iter().map(|field| number_place(field)).collect();
        assert_eq!(places.len(), NUMBERS.len());
    }

    #[test]
    fn every_field_is_that_of_a_reply() {
        let replies: String = crate::commands::tests::all().iter().map(|spec| spec.reply).collect();
        for field in FIELDS.iter().chain(&NUMBERS) {
            assert!(replies.contains(&format!("`{field}`")), "no reply has a field {field}");
        }
    }
}
