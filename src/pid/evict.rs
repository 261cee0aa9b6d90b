//! PID.EVICT: an operator puts a member out.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::liveness::Reason;
use crate::membership::service::Service;
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
        let mut service = Service::open(tx, args, caller)?;
        let member = args.text("member");
        service.ensure_types()?;
        let there = service.find(member)?.is_some();
        if there {
            let words = if args.has("REASON") {
                args.text("REASON")
            } else {
                "evicted"
            };
            service.remove(member, &Reason::Evicted(words.to_string()))?;
            service.elect()?;
        }
        Ok(Reply::Int(i64::from(there)).into())
    }
}
