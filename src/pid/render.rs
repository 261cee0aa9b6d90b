//! A member as clients are shown it: never its token.

use crate::error::Result;
use crate::membership::election;
use crate::membership::record::MemberRecord;
use crate::membership::register::left;
use crate::membership::service;
use crate::membership::service_state::Loading;
use crate::names::Name;
use crate::reply::Reply;
use crate::tx::Tx;

/// The fields of PID.GET, in order.
pub(crate) const GET: [&str; 17] = [
    "member",
    "pid",
    "host",
    "start",
    "boot",
    "state",
    "role",
    "epoch",
    "ttl",
    "left",
    "age",
    "bound",
    "grace",
    "signal",
    "status",
    "registered",
    "meta",
];

/// The fields of an entry of PID.LIST, in order.
pub(crate) const LIST: [&str; 11] = [
    "member", "pid", "host", "start", "boot", "state", "role", "ttl", "age", "signal", "status",
];

/// These fields of a member that `find` or `adopt` has just seen.
pub(crate) fn map(tx: &mut Tx<'_>, name: &Name, member: &str, fields: &[&'static str]) -> Result<Reply> {
    let map: Result<Vec<_>> = fields
        .iter()
        .map(|known| Ok((*known, field(tx, name, member, known)?.unwrap_or(Reply::Null))))
        .collect();
    map.map(Reply::Map)
}

/// The value of one field; `None` for an unknown one.
pub(crate) fn field(tx: &mut Tx<'_>, name: &Name, member: &str, field: &str) -> Result<Option<Reply>> {
    let head = service::leadership(tx, name)?;
    let leads = head.leader.as_deref() == Some(member);
    let known = tx.state.services.known(name);
    // A replica sees no beats.
    let sees_beats = known.is_some_and(|known| known.loading == Loading::Done);
    let Some(present) = known.and_then(|known| known.member(member)) else {
        return Ok(None);
    };
    let MemberRecord {
        pid,
        host,
        start,
        boot,
        ttl,
        grace,
        registered,
        meta,
        ..
    } = &present.record;
    let text = |text: &Option<String>| text.as_deref().map_or(Reply::Null, Reply::text);
    Ok(Some(match field {
        "member" => Reply::text(member),
        "pid" => Reply::int_or_null(*pid),
        "host" => text(host),
        "start" => text(start),
        "boot" => text(boot),
        "state" => Reply::Word(if present.is_away() { "grace" } else { "up" }),
        "role" => election::role(leads, present.candidate),
        "epoch" if leads => Reply::number(head.epoch),
        "epoch" => Reply::Null,
        "ttl" => Reply::Int(*ttl),
        "left" => Reply::int_or_null(left(tx, present).filter(|_| sees_beats)),
        "age" => Reply::int_or_null(sees_beats.then(|| tx.context.steady.since(present.alive).max(0))),
        "bound" => Reply::count(present.connections.len()),
        "grace" => Reply::Int(*grace),
        "signal" => signal(tx, name, member)?,
        "status" => text(&present.status),
        "registered" => Reply::Int(*registered),
        "meta" => Reply::Texts(meta.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        other => match meta.get(other) {
            Some(value) => Reply::text(value.as_str()),
            None => return Ok(None),
        },
    }))
}

/// The standing signal of a member.
pub(crate) fn signal(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<Reply> {
    // Brings the signal to all into memory.
    service::leadership(tx, name)?;
    let signal = tx.state.services.signal(name, member);
    Ok(signal.map_or(Reply::Null, Reply::text))
}
