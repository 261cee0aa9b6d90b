//! HB.RESIGN: a leader makes room.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::election;
use crate::membership::events::{Event, emit};
use crate::membership::members;
use crate::membership::service;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// HB.RESIGN.
pub(crate) struct Resign;

impl Command for Resign {
    const SPEC: Spec = Spec {
        name: "HB.RESIGN",
        summary: "Ends a lead at the leader's own wish; the next candidate, or the one named, leads at once.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::TOKEN,
            Arg::option("TO", "candidate", Kind::Text),
        ],
        reply: "the new leader, or null",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        let member = args.text("member");
        service::ensure_types(tx, &name)?;
        service::verify(tx, &name, member, service::number(args, "token").unwrap_or(0))?;
        if service::leadership(tx, &name)?.leader.as_deref() != Some(member) {
            // Its grant may be one that a failover has lost: it makes room all the same.
            if !election::make_room(tx, &name, member)? {
                return Err(service::fenced(tx, &name)?);
            }
            election::withdraw(tx, &name, member)?;
            let leader = election::elect(tx, &name)?;
            return Ok(leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())).into());
        }
        let to = args.has("TO").then(|| args.text("TO"));
        if let Some(to) = to {
            let there = to != member && service::find(tx, &name, to)?;
            let present = tx.state.services.member(&name, to).filter(|_| there);
            let stands = present.is_some_and(|present| present.candidate && !service::is_overdue(tx, present));
            if !stands {
                return Err(Error::BadArg("TO must be another candidate of the service".into()));
            }
        }
        members::touch(tx, &name, member, None);
        members::update(tx, &name, member, |record| record.exclusive = false)?;
        let present = tx.state.services.member(&name, member);
        let record = present.map(|present| present.record.clone());
        let epoch = service::leadership(tx, &name)?.epoch;
        tx.state.services.service(&name).settled = true;
        election::vacate(tx, &name)?;
        let event = Event {
            kind: "resigned",
            member,
            record: record.as_ref(),
            epoch: Some(epoch),
            reason: "",
        };
        emit(tx, &name, &event)?;
        if let Some(to) = to {
            election::appoint(tx, &name, &to.into())?;
        }
        let leader = election::elect(tx, &name)?;
        Ok(leader.map_or(Reply::Null, |leader| Reply::text(leader.as_ref())).into())
    }
}
