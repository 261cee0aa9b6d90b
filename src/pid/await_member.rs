//! PID.AWAIT: until a member comes or goes.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::proc;
use crate::reply::Reply;
use crate::time::Ms;
use crate::tx::Tx;
use crate::waiting::{Timeout, WaitFor};

arguments! {
    pub(crate) struct AwaitArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        state: &'a str = Arg::words("state", &["UP", "DOWN"]),
        block: Option<Ms> = Arg::BLOCK,
    }
}

/// PID.AWAIT.
pub(crate) struct Await;

impl Command for Await {
    type Args<'a> = AwaitArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "PID.AWAIT",
        summary: "Tells whether a member is there, or gone, and waits for that if told to.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: AwaitArgs::ARGS,
        reply: "1, or null when it is not so",
    };

    fn run(args: &AwaitArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        proc::look(tx, &name)?;
        let member = args.member.0;
        let up = args.state == "UP";
        if proc::find(tx, &name, member)? == up {
            return Ok(Reply::Int(1).into());
        }
        Ok(match Timeout::asked(args.block, caller) {
            None => Reply::NullArray.into(),
            Some(patience) => Response::Wait(WaitFor::Presence(name, member.into(), up), patience),
        })
    }
}
