//! HB.BEAT: a heartbeat. Its reply carries everything that the server has for the member.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::candidates::MAX_PRIORITY;
use crate::membership::record::{MemberName, hash_token};
use crate::membership::registration::Registration;
use crate::membership::render::role;
use crate::membership::service::{Service, connection};
use crate::pid::register::{BindArgs, TOKEN};
use crate::reply::Reply;
use crate::time::{MAX_TTL, MIN_TTL, Ms};

/// The priority of a candidate; the largest wins.
pub(crate) const PRIORITY: Typed<Option<i64>> = Arg::option("PRIORITY", Arg::int("n", 0, MAX_PRIORITY, ""))
    .means("the highest leads first; by default the one it has, or 0");

arguments! {
    pub(crate) struct StandArgs {
        priority: Option<i64> = PRIORITY,
    }
}

arguments! {
    pub(crate) struct BeatArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: Option<u64> = Arg::option("TOKEN", TOKEN),
        ttl: Option<Ms> = Arg::duration("TTL", MIN_TTL, MAX_TTL)
            .means("how long it lives without a heartbeat; by default what it has, or `steward.ttl`"),
        status: Option<&'a str> = Arg::option("STATUS", Arg::text("text"))
            .means("what it does, for PID.GET and PID.LIST"),
        bind: Option<BindArgs> = Arg::group("BIND", "bind").means("it is down when its connection closes"),
        campaign: Option<StandArgs> = Arg::group("CAMPAIGN", "campaign")
            .means("also makes it a candidate for leader"),
    }
}

/// HB.BEAT.
pub(crate) struct Beat;

impl Command for Beat {
    type Args<'a> = BeatArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.BEAT",
        summary: "Sends a heartbeat, registering the member if needed; tells who leads and what the member should do.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: BeatArgs::ARGS,
        reply: "map `role` (leader, candidate, member), `epoch`, `leader`, `ttl_ms`, `signal`, `cancelled` (ids of tasks it holds), `token` (null unless it was just made)",
        errors: &[
            ("NOMEMBER", "TOKEN: there is no such member any more"),
            ("FENCED", "the member has a token, and this is another or none"),
            ("SERVICEFULL", "it is a new member, and there are `steward.max-members`"),
            ("OOM", "memory is full, and it is a new member"),
        ],
    };

    fn run(args: &BeatArgs<'_>, caller: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        let bind = connection(args.bind.is_some(), caller)?;
        let campaigns = args.campaign.is_some();
        let is_there = is_there(service, member, args.token, campaigns)?;
        if campaigns || args.ttl.is_some() {
            service.ensure_may_go_on(member, args.ttl, campaigns)?;
        }
        let token = if is_there {
            service.touch(member, None);
            change(args, service, member, bind)?
        } else {
            join(args, service, bind)?
        };
        if let Some(status) = args.status
            && let Some(known) = service.memory().member_mut(member)
        {
            known.status = Some(status.to_string());
        }
        if let Some(campaign) = &args.campaign {
            service.campaign(member, campaign.priority)?;
        }
        reply(service, member, token)
    }
}

/// Whether the member exists. Errors unless one that has a token shows it, or `campaigns` again because the reply with
/// the token was lost.
fn is_there(service: &mut Service<'_>, member: &str, token: Option<u64>, campaigns: bool) -> Result<bool> {
    if let Some(token) = token {
        service.verify(member, token)?;
        return Ok(true);
    }
    match service.find(member)? {
        Some(known) if known.record.token.is_some() && !(campaigns && known.may_lack_token()) => {
            Err(service.fenced(true)?)
        }
        known => Ok(known.is_some()),
    }
}

/// Adds a new member. Returns its token, if it needs one.
fn join(args: &BeatArgs<'_>, service: &mut Service<'_>, bind: Option<u64>) -> Result<Option<u64>> {
    service.ensure_types()?;
    service.ensure_room(service.context.memory_full)?;
    let registration = Registration {
        member: args.member.0.into(),
        ttl: args.ttl,
        bind,
        grace: grace(args).unwrap_or(0),
        // Only a member with a token can lead.
        with_token: args.campaign.is_some(),
        ..Registration::default()
    };
    service.join(&registration, "registered")
}

fn grace(args: &BeatArgs<'_>) -> Option<Ms> {
    args.bind.as_ref().and_then(|bind| bind.grace)
}

/// Updates an existing member. Returns its token, if it was just made.
fn change(args: &BeatArgs<'_>, service: &mut Service<'_>, member: &str, bind: Option<u64>) -> Result<Option<u64>> {
    if args.ttl.is_none() && args.bind.is_none() && args.campaign.is_none() {
        return Ok(None);
    }
    service.ensure_types()?;
    let token = (args.campaign.is_some() && args.token.is_none())
        .then(|| service.next_fence())
        .transpose()?;
    service.update(member, |record| {
        record.ttl = args.ttl.unwrap_or(record.ttl);
        if bind.is_some() {
            record.bind = true;
            record.grace = grace(args).unwrap_or(record.grace);
        }
        if let Some(token) = token {
            record.token = Some(hash_token(token));
        }
    })?;
    if token.is_some() {
        if let Some(known) = service.memory().member_mut(member) {
            known.token = token;
        }
        if service.is_led_by(member)? {
            // One epoch never has two holders: that of the token of before may still be around.
            service.renew_lead(member)?;
        }
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
        ("ttl_ms", Reply::Int(ttl)),
        ("signal", signal.map_or(Reply::Null, Reply::text)),
        ("cancelled", cancelled(service, member)),
        ("token", token.map_or(Reply::Null, Reply::number)),
    ])
    .into())
}

/// The leader. A candidate that was silent may be appointed by this heartbeat.
fn leader(service: &mut Service<'_>, member: &str) -> Result<Option<MemberName>> {
    let leader = service.leader()?;
    if leader.as_deref() == Some(member) {
        service.confirm_lead(member)?;
    }
    if leader.is_some() || !service.member(member).is_some_and(|known| known.is_candidate) {
        return Ok(leader);
    }
    service.ensure_types()?;
    service.elect()
}

/// The cancelled tasks that it still runs as a worker, in every queue that follows the service.
fn cancelled(service: &Service<'_>, member: &str) -> Reply {
    let ids = service.state.cancelled_of(&service.name, member);
    Reply::Array(ids.into_iter().map(Reply::Id).collect())
}
