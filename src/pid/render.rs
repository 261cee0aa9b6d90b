//! A member as PID.GET and PID.LIST show it, without its token.

use crate::error::Result;
use crate::membership::record::MemberRecord;
use crate::membership::render::role;
use crate::membership::service::Service;
use crate::membership::service_state::Loading;
use crate::reply::Reply;

/// The fields of PID.GET, in order.
pub(crate) const GET: [&str; 18] = [
    "member",
    "pid",
    "host",
    "start",
    "boot",
    "state",
    "role",
    "position",
    "epoch",
    "ttl_ms",
    "remaining_ms",
    "idle_ms",
    "connections",
    "grace_ms",
    "signal",
    "status",
    "registered_at",
    "meta",
];

/// The fields of an entry of PID.LIST, in order.
pub(crate) const LIST: [&str; 12] = [
    "member", "pid", "host", "start", "boot", "state", "role", "position", "ttl_ms", "idle_ms", "signal", "status",
];

/// These fields of a member in memory.
pub(crate) fn map(service: &mut Service<'_>, member: &str, fields: &[&'static str]) -> Result<Reply> {
    let map: Result<Vec<_>> = fields
        .iter()
        .map(|name| Ok((*name, field(service, member, name)?.unwrap_or(Reply::Null))))
        .collect();
    map.map(Reply::Map)
}

/// The value of one field; `None` for an unknown one.
pub(crate) fn field(service: &mut Service<'_>, member: &str, field: &str) -> Result<Option<Reply>> {
    // Loads the standing signal to all into memory.
    let leadership = service.leadership()?;
    let leads = leadership.leader.as_deref() == Some(member);
    let position = match field {
        "position" if !leads => position(service, member),
        _ => None,
    };
    let Some((known, member)) = service.known().and_then(|known| Some((known, known.member(member)?))) else {
        return Ok(None);
    };
    // A replica receives no heartbeats.
    let sees_beats = known.loading == Loading::Done;
    let idle_ms = service.context.steady.since(member.liveness.alive).max(0);
    let remaining = service.remaining(member);
    let MemberRecord {
        pid,
        host,
        start,
        boot,
        ttl,
        grace,
        registered_at,
        meta,
        ..
    } = &member.record;
    let text = |text: Option<&str>| text.map_or(Reply::Null, Reply::text);
    Ok(Some(match field {
        "member" => Reply::text(member.name.as_ref()),
        "pid" => Reply::int_or_null(*pid),
        "host" => text(host.as_deref()),
        "start" => text(start.as_deref()),
        "boot" => text(boot.as_deref()),
        "state" => Reply::Word(if member.is_away() { "grace" } else { "up" }),
        "role" => role(leads, member.is_candidate),
        "position" => position.map_or(Reply::Null, Reply::count),
        "epoch" if leads => Reply::number(leadership.epoch),
        "epoch" => Reply::Null,
        "ttl_ms" => Reply::Int(*ttl),
        "remaining_ms" => Reply::int_or_null(remaining.filter(|_| sees_beats)),
        "idle_ms" => Reply::int_or_null(sees_beats.then_some(idle_ms)),
        "connections" => Reply::count(member.liveness.connections.len()),
        "grace_ms" => Reply::Int(*grace),
        "signal" => text(known.signal(&member.record)),
        "status" => text(member.status.as_deref()),
        "registered_at" => Reply::Int(*registered_at),
        "meta" => Reply::Texts(meta.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        other => match meta.get(other) {
            Some(value) => Reply::text(value.as_str()),
            None => return Ok(None),
        },
    }))
}

/// The place of a candidate in the line, from 1. There is no line under a key of another type.
fn position(service: &mut Service<'_>, member: &str) -> Option<usize> {
    service.member(member).filter(|member| member.is_candidate)?;
    let before = service.keys.zrank(service.name.candidates(), member.as_bytes());
    before.ok().flatten().map(|before| before + 1)
}
