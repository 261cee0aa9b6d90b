//! PID.AWAIT: waits until a member comes or goes.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::service::Service;
use crate::reply::Reply;
use crate::time::Ms;
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct AwaitArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        state: &'a str = Arg::words("state", &["UP", "DOWN"]).means("UP: it is a member; DOWN: it is not"),
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// PID.AWAIT.
pub(crate) struct Await;

impl Command for Await {
    type Args<'a> = AwaitArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.AWAIT",
        summary: "Tells whether a member is UP or DOWN; with BLOCK, waits until it is.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: AwaitArgs::ARGS,
        reply: "1, or null if it is not",
        errors: &[],
    };

    fn run(args: &AwaitArgs<'_>, caller: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_readable()?;
        let member = args.member.0;
        let up = args.state == "UP";
        if service.find(member)?.is_some() == up {
            return Ok(Reply::Int(1).into());
        }
        Ok(match Timeout::asked(args.block, caller) {
            None => Reply::NullArray.into(),
            Some(timeout) => Response::Wait(WaitFor::Member(service.name.clone(), member.into(), up), timeout),
        })
    }
}
