//! HB.BEAT: a sign of life, and in the same breath all that the server has to say to the member.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::candidates::MAX_PRIORITY;
use crate::membership::record::{MemberName, hash_token};
use crate::membership::registration::Registration;
use crate::membership::render::role;
use crate::membership::service::{Service, connection, number};
use crate::reply::Reply;
use crate::time::{MAX_TTL, MIN_TTL};
use crate::tx::{Command, Response, Tx};

/// How much one wants to lead; the largest wins.
pub(crate) const PRIORITY: Arg = Arg::option("PRIORITY", "n", Kind::Int(0, MAX_PRIORITY, ""));
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
        let mut service = Service::open(tx, args, caller)?;
        let member = args.text("member");
        let bind = connection(args, caller)?;
        let is_there = is_there(&mut service, member, number(args, "TOKEN"))?;
        let campaigns = args.has("CAMPAIGN");
        if campaigns || args.has("TTL") {
            service.ensure_may_go_on(member, args.int("TTL"), campaigns)?;
        }
        let token = if is_there {
            service.touch(member, None);
            change(args, &mut service, member, bind)?
        } else {
            join(args, &mut service, bind)?
        };
        if args.has("STATUS")
            && let Some(known) = service.memory().member_mut(member)
        {
            known.status = Some(args.text("STATUS").to_string());
        }
        if campaigns {
            service.campaign(member, args.int("PRIORITY"))?;
        }
        reply(&mut service, member, token)
    }
}

/// Whether the member is there; one that has a token proves itself with it.
fn is_there(service: &mut Service<'_>, member: &str, token: Option<u64>) -> Result<bool> {
    if let Some(token) = token {
        service.verify(member, token)?;
        return Ok(true);
    }
    match service.find(member)? {
        Some(known) if known.record.token.is_some() => Err(service.fenced()?),
        known => Ok(known.is_some()),
    }
}

/// A member that was not there. Replies its token, if it needs one.
fn join(args: &Args<'_>, service: &mut Service<'_>, bind: Option<u64>) -> Result<Option<u64>> {
    service.ensure_types()?;
    service.ensure_room(service.context.memory_full)?;
    let registration = Registration {
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
        // Only a member with a token can lead.
        with_token: args.has("CAMPAIGN"),
        meta: None,
    };
    service.join(&registration, "registered")
}

/// What the beat changes of a member that is there. Replies its token, if it was just made.
fn change(args: &Args<'_>, service: &mut Service<'_>, member: &str, bind: Option<u64>) -> Result<Option<u64>> {
    if !["TTL", "BIND", "CAMPAIGN"].into_iter().any(|word| args.has(word)) {
        return Ok(None);
    }
    service.ensure_types()?;
    let has_none = service.member(member).is_some_and(|known| known.record.token.is_none());
    let token = (args.has("CAMPAIGN") && has_none)
        .then(|| service.next_fence())
        .transpose()?;
    service.update(member, |record| {
        record.ttl = args.int("TTL").unwrap_or(record.ttl);
        if bind.is_some() {
            record.bind = true;
            record.grace = args.int("GRACE").unwrap_or(record.grace);
        }
        if let Some(token) = token {
            record.token = Some(hash_token(token));
        }
    })?;
    if token.is_some()
        && let Some(known) = service.memory().member_mut(member)
    {
        known.token = token;
    }
    service.touch(member, bind);
    Ok(token)
}

fn reply(service: &mut Service<'_>, member: &str, token: Option<u64>) -> Result<Response> {
    let leader = leader(service, member)?;
    let leads = leader.as_deref() == Some(member);
    let epoch = service.leadership()?.epoch;
    let epoch = leader.as_ref().map(|_| epoch);
    let found = service.known().and_then(|known| Some((known, known.member(member)?)));
    let is_candidate = found.is_some_and(|(_, member)| member.is_candidate);
    let signal = found.and_then(|(known, member)| known.signal(&member.record));
    let ttl = found.map_or(0, |(_, member)| member.record.ttl);
    Ok(Reply::Map(vec![
        ("role", role(leads, is_candidate)),
        ("epoch", epoch.map_or(Reply::Null, Reply::number)),
        ("leader", leader.as_deref().map_or(Reply::Null, Reply::text)),
        ("ttl", Reply::Int(ttl)),
        ("signal", signal.map_or(Reply::Null, Reply::text)),
        ("cancelled", cancelled(service, member)),
        ("token", token.map_or(Reply::Null, Reply::number)),
    ])
    .into())
}

/// Who leads. A candidate that shows itself again may be the one to be appointed.
fn leader(service: &mut Service<'_>, member: &str) -> Result<Option<MemberName>> {
    let leader = service.leader()?;
    if leader.is_some() || !service.member(member).is_some_and(|known| known.is_candidate) {
        return Ok(leader);
    }
    service.ensure_types()?;
    service.elect()
}

/// The cancelled tasks that it holds as a worker, in every queue that follows the service.
fn cancelled(service: &Service<'_>, member: &str) -> Reply {
    let queues = service.state.services.followers(&service.name);
    let ids = queues
        .iter()
        .flat_map(|queue| service.state.cancelled_of(queue, member));
    Reply::Array(ids.take(MOST_CANCELLED).map(Reply::Id).collect())
}
