//! HB.BEAT: a sign of life, and in the same breath all that the server has to say to the member.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::pid::register::BindArgs;
use crate::presence::{MemberName, Registration};
use crate::proc::{self, election, roster};
use crate::reply::Reply;
use crate::time::{MAX_TTL, MIN_TTL, Ms};
use crate::tx::Tx;

/// How much one wants to lead; the largest wins.
pub(crate) const PRIORITY: Typed<Option<i64>> = Arg::option("PRIORITY", Arg::int("n", 0, election::MAX_PRIORITY, ""));
/// Cancelled tasks that one reply tells of.
const MOST_CANCELLED: usize = 1_000;

arguments! {
    pub(crate) struct StandArgs {
        priority: Option<i64> = PRIORITY,
    }
}

arguments! {
    pub(crate) struct BeatArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: Option<u64> = Arg::option("TOKEN", Arg::TOKEN),
        ttl: Option<Ms> = Arg::duration("TTL", MIN_TTL, MAX_TTL),
        status: Option<&'a str> = Arg::option("STATUS", Arg::text("text")),
        bind: Option<BindArgs> = Arg::group("BIND", "bind"),
        campaign: Option<StandArgs> = Arg::group("CAMPAIGN", "campaign"),
    }
}

/// HB.BEAT.
pub(crate) struct Beat;

impl Command for Beat {
    type Args<'a> = BeatArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.BEAT",
        summary: "Gives a sign of life, registering the member if need be; tells who leads and what the member should do.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: BeatArgs::ARGS,
        reply: "map `role` (leader, candidate, member), `epoch`, `leader`, `ttl`, `signal`, `cancelled` (ids of tasks it holds), `token` (null unless it was just made)",
    };

    fn run(args: &BeatArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let member = args.member.0;
        let bind = proc::connection(args.bind.is_some(), caller)?;
        let there = is_there(tx, &name, member, args.token)?;
        let campaigns = args.campaign.is_some();
        if campaigns || args.ttl.is_some() {
            election::may_lead_with(tx, &name, member, args.ttl, campaigns)?;
        }
        let token = if there {
            roster::show(tx, &name, member, None);
            change(args, tx, &name, member, bind)?
        } else {
            join(args, tx, &name, bind)?
        };
        if let Some(status) = args.status
            && let Some(present) = tx.state.presence.service(&name).member_mut(member)
        {
            present.status = Some(status.to_string());
        }
        if let Some(campaign) = &args.campaign {
            election::stand(tx, &name, member, campaign.priority)?;
        }
        reply(tx, &name, member, token)
    }
}

/// Whether the member is there; one that has a token proves itself with it.
fn is_there(tx: &mut Tx<'_>, name: &Name, member: &str, token: Option<u64>) -> Result<bool, Error> {
    if let Some(token) = token {
        proc::verify(tx, name, member, token)?;
        return Ok(true);
    }
    let there = proc::find(tx, name, member)?;
    let present = tx.state.presence.member(name, member).filter(|_| there);
    if present.is_some_and(|present| present.member.token.is_some()) {
        return Err(proc::fenced(tx, name)?);
    }
    Ok(there)
}

/// A member that was not there. Replies its token, if it needs one.
fn join(args: &BeatArgs<'_>, tx: &mut Tx<'_>, name: &Name, bind: Option<u64>) -> Result<Option<u64>, Error> {
    proc::check(tx, name)?;
    let full = tx.context.memory_full;
    roster::has_room(tx, name, full)?;
    let wish = Registration {
        member: args.member.0.into(),
        token: None,
        pid: None,
        host: None,
        start: None,
        boot: None,
        ttl: args.ttl,
        bind,
        grace: grace(args).unwrap_or(0),
        exclusive: false,
        // Only who has a token can lead.
        with_token: args.campaign.is_some(),
        meta: None,
    };
    roster::join(tx, name, &wish, "registered")
}

fn grace(args: &BeatArgs<'_>) -> Option<Ms> {
    args.bind.as_ref().and_then(|bind| bind.grace)
}

/// What the beat changes of a member that is there. Replies its token, if it was just made.
fn change(
    args: &BeatArgs<'_>,
    tx: &mut Tx<'_>,
    name: &Name,
    member: &str,
    bind: Option<u64>,
) -> Result<Option<u64>, Error> {
    if args.ttl.is_none() && args.bind.is_none() && args.campaign.is_none() {
        return Ok(None);
    }
    proc::check(tx, name)?;
    let tokenless = tx
        .state
        .presence
        .member(name, member)
        .is_some_and(|present| present.member.token.is_none());
    let epoch = proc::head(tx, name)?.epoch;
    let token = (args.campaign.is_some() && tokenless).then(|| tx.next_fence(epoch));
    roster::update(tx, name, member, |record| {
        record.ttl = args.ttl.unwrap_or(record.ttl);
        if bind.is_some() {
            record.bind = true;
            record.grace = grace(args).unwrap_or(record.grace);
        }
        if let Some(token) = token {
            record.token = Some(proc::hash(token));
        }
    })?;
    if let Some(present) = tx.state.presence.service(name).member_mut(member)
        && token.is_some()
    {
        present.token = token;
    }
    roster::show(tx, name, member, bind);
    Ok(token)
}

fn reply(tx: &mut Tx<'_>, name: &Name, member: &str, token: Option<u64>) -> Result<Response, Error> {
    let leader = leader(tx, name, member)?;
    let head = proc::head(tx, name)?;
    let leads = leader.as_deref() == Some(member);
    let service = tx.state.presence.known(name);
    let found = service.and_then(|service| Some((service, service.member(member)?)));
    let stands = found.is_some_and(|(_, present)| present.candidate);
    let signal = found.and_then(|(service, present)| service.signal(&present.member));
    let signal = signal.map_or(Reply::Null, Reply::text);
    let ttl = found.map_or(0, |(_, present)| present.member.ttl);
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
    let leader = proc::leader(tx, name)?;
    if leader.is_some() {
        return Ok(leader);
    }
    let present = tx.state.presence.member(name, member);
    if !present.is_some_and(|present| present.candidate) {
        return Ok(None);
    }
    proc::check(tx, name)?;
    election::elect(tx, name)
}

/// The cancelled tasks that it holds as a worker, in every queue that follows the service.
fn cancelled(tx: &Tx<'_>, name: &Name, member: &str) -> Reply {
    let mut ids = Vec::new();
    for queue in tx.state.presence.followers(name) {
        ids.extend(tx.state.cancelled_of(&queue, member));
    }
    ids.truncate(MOST_CANCELLED);
    Reply::Array(ids.into_iter().map(Reply::Id).collect())
}
