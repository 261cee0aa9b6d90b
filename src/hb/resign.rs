//! HB.RESIGN: a leader steps down.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::events::Event;
use crate::membership::record::MemberName;
use crate::membership::service::Service;
use crate::pid::register::TOKEN;
use crate::reply::Reply;

arguments! {
    pub(crate) struct ResignArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = TOKEN,
        to: Option<&'a str> = Arg::option("TO", Arg::text("candidate")).means("the candidate that is to lead next"),
    }
}

/// HB.RESIGN.
pub(crate) struct Resign;

impl Command for Resign {
    type Args<'a> = ResignArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.RESIGN",
        summary: "Steps down as leader; the next candidate, or the one named, leads at once.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ResignArgs::ARGS,
        reply: "the new leader, or null",
        errors: &[
            ("NOMEMBER", "there is no such member"),
            (
                "FENCED",
                "it is not the token of the member, or the member does not lead",
            ),
        ],
    };

    fn run(args: &ResignArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        service.ensure_types()?;
        service.verify(member, args.token)?;
        if service.is_led_by(member)? {
            resign(service, member, args.to)?;
        } else {
            // A failover may have lost its grant; it steps down all the same.
            if !service.give_up_lost_lead(member)? {
                return Err(service.fenced(false)?);
            }
            service.withdraw(member)?;
        }
        let leader = service.elect()?;
        Ok(leader.as_deref().map_or(Reply::Null, Reply::text).into())
    }
}

fn resign(service: &mut Service<'_>, member: &str, to: Option<&str>) -> Result<()> {
    let to = to.map(|to| candidate(service, member, to)).transpose()?;
    service.touch(member, None);
    service.update(member, |record| record.exclusive = false)?;
    let epoch = service.leadership()?.epoch;
    service.memory().settled = true;
    service.vacate()?;
    service.emit(member, &Event::Resigned(epoch))?;
    match to {
        Some(to) => service.appoint(&to),
        None => Ok(()),
    }
}

/// The successor that TO names, which must be another candidate that is alive.
fn candidate(service: &mut Service<'_>, member: &str, to: &str) -> Result<MemberName> {
    let is_there = to != member && service.find(to)?.is_some();
    service
        .member(to)
        .filter(|to| is_there && to.is_candidate && !service.is_overdue(to))
        .map(|to| to.name.clone())
        .ok_or_else(|| Error::BadArg("TO must be another candidate of the service".into()))
}
