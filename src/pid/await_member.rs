//! PID.AWAIT: until a member comes or goes.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::service::Service;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};
use crate::waiting::{Timeout, WaitFor};

/// PID.AWAIT.
pub(crate) struct Await;

impl Command for Await {
    const SPEC: Spec = Spec {
        name: "PID.AWAIT",
        summary: "Tells whether a member is there, or gone, and waits for that if told to.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: true,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::value("state", Kind::Words(&["UP", "DOWN"])),
            Arg::BLOCK,
        ],
        reply: "1, or null when it is not so",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        service.ensure_readable()?;
        let member = args.text("member");
        let up = args.word("state") == Some("UP");
        if service.find(member)?.is_some() == up {
            return Ok(Reply::Int(1).into());
        }
        Ok(match Timeout::asked(args, caller) {
            None => Reply::NullArray.into(),
            Some(timeout) => Response::Wait(WaitFor::Member(service.name, member.into(), up), timeout),
        })
    }
}
