//! PID.EVICT: an operator puts a member out.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::presence::Reason;
use crate::proc::{self, election, roster};
use crate::reply::Reply;
use crate::tx::Tx;

arguments! {
    pub(crate) struct EvictArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        reason: Option<&'a str> = Arg::option("REASON", Arg::text("text")),
    }
}

/// PID.EVICT.
pub(crate) struct Evict;

impl Command for Evict {
    type Args<'a> = EvictArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "PID.EVICT",
        summary: "Puts a member out; what it holds goes to others at once.",
        complexity: "O(log N) for N members, and for each task it held",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: EvictArgs::ARGS,
        reply: "1, or 0 when it was not there",
    };

    fn run(args: &EvictArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let member = args.member.0;
        proc::check(tx, &name)?;
        let there = proc::find(tx, &name, member)?;
        if there {
            let words = args.reason.unwrap_or("evicted");
            roster::remove(tx, &name, member, &Reason::Evicted(words.to_string()))?;
            election::elect(tx, &name)?;
        }
        Ok(Reply::Int(i64::from(there)).into())
    }
}
