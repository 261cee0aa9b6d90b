//! HB.BEAT: a sign of life, and in the same breath all that the server has to say to the member.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::election;
use crate::membership::members;
use crate::membership::record::MemberName;
use crate::membership::record::hash_token;
use crate::membership::registration::Registration;
use crate::membership::service;
use crate::names::Name;
use crate::reply::Reply;
use crate::time::{MAX_TTL, MIN_TTL};
use crate::tx::{Command, Response, Tx};

/// How much one wants to lead; the largest wins.
pub(crate) const PRIORITY: Arg = Arg::option("PRIORITY", "n", Kind::Int(0, election::MAX_PRIORITY, ""));
/// Cancelled tasks that one reply tells of.
const MOST_CANCELLED: usize = 1_000;

/// HB.BEAT.
pub(crate) struct Beat;

impl Command for Beat {
    const SPEC: Spec = Spec {
        name: "HB.BEAT",
        summary: "Gives a sign of life, registering the member if need be; tells who leads and what the member should do.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::option("TOKEN", "token", Arg::TOKEN.kind),
            Arg::duration("TTL", MIN_TTL, MAX_TTL),
            Arg::option("STATUS", "text", Kind::Text),
            Arg::option("BIND", "bind", Kind::Group(&[Arg::duration("GRACE", 0, MAX_TTL)])),
            Arg::option("CAMPAIGN", "campaign", Kind::Group(&[PRIORITY])),
        ],
        reply: "map `role` (leader, candidate, member), `epoch`, `leader`, `ttl`, `signal`, `cancelled` (ids of tasks it holds), `token` (null unless it was just made)",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        let member = args.text("member");
        let bind = service::connection(args, caller)?;
        let there = is_there(tx, &name, member, service::number(args, "TOKEN"))?;
        let campaigns = args.has("CAMPAIGN");
        if campaigns || args.has("TTL") {
            election::may_lead_with(tx, &name, member, args.int("TTL"), campaigns)?;
        }
        let token = if there {
            members::touch(tx, &name, member, None);
            change(args, tx, &name, member, bind)?
        } else {
            join(args, tx, &name, bind)?
        };
        if args.has("STATUS")
            && let Some(present) = tx.state.services.service(&name).member_mut(member)
        {
            present.status = Some(args.text("STATUS").to_string());
        }
        if campaigns {
            election::stand(tx, &name, member, args.int("PRIORITY"))?;
        }
        reply(tx, &name, member, token)
    }
}

/// Whether the member is there; one that has a token proves itself with it.
fn is_there(tx: &mut Tx<'_>, name: &Name, member: &str, token: Option<u64>) -> Result<bool, Error> {
    if let Some(token) = token {
        service::verify(tx, name, member, token)?;
        return Ok(true);
    }
    let there = service::find(tx, name, member)?;
    let present = tx.state.services.member(name, member).filter(|_| there);
    if present.is_some_and(|present| present.record.token.is_some()) {
        return Err(service::fenced(tx, name)?);
    }
    Ok(there)
}

/// A member that was not there. Replies its token, if it needs one.
fn join(args: &Args<'_>, tx: &mut Tx<'_>, name: &Name, bind: Option<u64>) -> Result<Option<u64>, Error> {
    service::ensure_types(tx, name)?;
    let full = tx.context.memory_full;
    members::has_room(tx, name, full)?;
    let wish = Registration {
        member: args.text("member").into(),
        token: None,
        pid: None,
        host: None,
        start: None,
        boot: None,
        ttl: args.int("TTL"),
        bind,
        grace: args.int("GRACE").unwrap_or(0),
        exclusive: false,
        // Only who has a token can lead.
        with_token: args.has("CAMPAIGN"),
        meta: None,
    };
    members::join(tx, name, &wish, "registered")
}

/// What the beat changes of a member that is there. Replies its token, if it was just made.
fn change(
    args: &Args<'_>,
    tx: &mut Tx<'_>,
    name: &Name,
    member: &str,
    bind: Option<u64>,
) -> Result<Option<u64>, Error> {
    if !["TTL", "BIND", "CAMPAIGN"].into_iter().any(|word| args.has(word)) {
        return Ok(None);
    }
    service::ensure_types(tx, name)?;
    let tokenless = tx
        .state
        .services
        .member(name, member)
        .is_some_and(|present| present.record.token.is_none());
    let epoch = service::leadership(tx, name)?.epoch;
    let token = (args.has("CAMPAIGN") && tokenless).then(|| tx.next_fence(epoch));
    members::update(tx, name, member, |record| {
        record.ttl = args.int("TTL").unwrap_or(record.ttl);
        if bind.is_some() {
            record.bind = true;
            record.grace = args.int("GRACE").unwrap_or(record.grace);
        }
        if let Some(token) = token {
            record.token = Some(hash_token(token));
        }
    })?;
    if let Some(present) = tx.state.services.service(name).member_mut(member)
        && token.is_some()
    {
        present.token = token;
    }
    members::touch(tx, name, member, bind);
    Ok(token)
}

fn reply(tx: &mut Tx<'_>, name: &Name, member: &str, token: Option<u64>) -> Result<Response, Error> {
    let leader = leader(tx, name, member)?;
    let head = service::leadership(tx, name)?;
    let leads = leader.as_deref() == Some(member);
    let service = tx.state.services.known(name);
    let found = service.and_then(|service| Some((service, service.member(member)?)));
    let stands = found.is_some_and(|(_, present)| present.candidate);
    let signal = found.and_then(|(service, present)| service.signal(&present.record));
    let signal = signal.map_or(Reply::Null, Reply::text);
    let ttl = found.map_or(0, |(_, present)| present.record.ttl);
    Ok(Reply::Map(vec![
        ("role", election::role(leads, stands)),
        (
            "epoch",
            leader.as_ref().map_or(Reply::Null, |_| Reply::number(head.epoch)),
        ),
        (
            "leader",
            leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())),
        ),
        ("ttl", Reply::Int(ttl)),
        ("signal", signal),
        ("cancelled", cancelled(tx, name, member)),
        ("token", token.map_or(Reply::Null, Reply::number)),
    ])
    .into())
}

/// Who leads. One that stands in the line and shows itself again may be the one to be appointed.
fn leader(tx: &mut Tx<'_>, name: &Name, member: &str) -> Result<Option<MemberName>> {
    let leader = service::leader(tx, name)?;
    if leader.is_some() {
        return Ok(leader);
    }
    let present = tx.state.services.member(name, member);
    if !present.is_some_and(|present| present.candidate) {
        return Ok(None);
    }
    service::ensure_types(tx, name)?;
    election::elect(tx, name)
}

/// The cancelled tasks that it holds as a worker, in every queue that follows the service.
fn cancelled(tx: &Tx<'_>, name: &Name, member: &str) -> Reply {
    let mut ids = Vec::new();
    for queue in tx.state.services.followers(name) {
        ids.extend(tx.state.cancelled_of(&queue, member));
    }
    ids.truncate(MOST_CANCELLED);
    Reply::Array(ids.into_iter().map(Reply::Id).collect())
}
