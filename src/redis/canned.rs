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

thread_local! {
    static CANNED: RefCell<Canned> = const { RefCell::new(Canned::NONE) };
}

/// The prepared replies.
#[derive(Debug)]
pub(super) struct Canned {
    ok: Option<CallReply>,
    fields: [Option<(&'static str, CallReply)>; PLACES],
}

impl Canned {
    const NONE: Canned = Canned {
        ok: None,
        fields: [const { None }; PLACES],
    };
}

/// Prepares the replies. Where a command has another name there is none, and the reply is written in steps.
///
/// `lasting` is a context that lives as long as they do: the server uses it to free them.
pub(super) fn prepare(lasting: *mut Ctx) {
    let usable = |reply: CallReply| (!reply.is_error()).then_some(reply);
    CANNED.with_borrow_mut(|canned| {
        canned.ok = usable(CallReply::of(lasting, c"UNWATCH", "E", &[]));
        for field in FIELDS {
            let reply = usable(CallReply::of(lasting, c"ECHO", "E", &[field.as_bytes()]));
            if let Some(place) = canned.fields.get_mut(place(field)) {
                *place = reply.map(|reply| (field, reply));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_place_of_its_own() {
        let places: std::collections::BTreeSet<usize> = FIELDS.iter().map(|field| place(field)).collect();
        assert_eq!(places.len(), FIELDS.len());
    }
}
