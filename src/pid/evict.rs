//! PID.EVICT: an operator removes a member.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::liveness::Reason;
use crate::membership::service::Service;
use crate::reply::Reply;

arguments! {
    pub(crate) struct EvictArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        reason: Option<&'a str> = Arg::option("REASON", Arg::text("text")).means("why, for the event"),
    }
}

/// PID.EVICT.
pub(crate) struct Evict;

impl Command for Evict {
    type Args<'a> = EvictArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.EVICT",
        summary: "Evicts a member; others may claim the tasks it holds at once.",
        complexity: "O(log N) for N members, and for each task it held",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: EvictArgs::ARGS,
        reply: "1, or 0 if there was no such member",
        errors: &[],
    };

    fn run(args: &EvictArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        service.ensure_types()?;
        let there = service.find(member)?.is_some();
        if there {
            let words = args.reason.unwrap_or("evicted");
            service.remove(member, &Reason::Evicted(words.to_string()))?;
            service.elect()?;
        }
        Ok(Reply::Int(i64::from(there)).into())
    }
}
