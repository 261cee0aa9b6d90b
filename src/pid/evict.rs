//! PID.EVICT: an operator puts a member out.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::election;
use crate::membership::member::Reason;
use crate::membership::members;
use crate::membership::service;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// PID.EVICT.
pub(crate) struct Evict;

impl Command for Evict {
    const SPEC: Spec = Spec {
        name: "PID.EVICT",
        summary: "Puts a member out; what it holds goes to others at once.",
        complexity: "O(log N) for N members, and for each task it held",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::SERVICE, Arg::MEMBER, Arg::option("REASON", "text", Kind::Text)],
        reply: "1, or 0 when it was not there",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        let member = args.text("member");
        service::ensure_types(tx, &name)?;
        let there = service::find(tx, &name, member)?;
        if there {
            let words = if args.has("REASON") {
                args.text("REASON")
            } else {
                "evicted"
            };
            members::remove(tx, &name, member, &Reason::Evicted(words.to_string()))?;
            election::elect(tx, &name)?;
        }
        Ok(Reply::Int(i64::from(there)).into())
    }
}
