//! HB.WITHDRAW: a candidate does not want to lead any more.

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::service::{Service, number};
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// HB.WITHDRAW.
pub(crate) struct Withdraw;

impl Command for Withdraw {
    const SPEC: Spec = Spec {
        name: "HB.WITHDRAW",
        summary: "Takes a candidate out of the line; it stays a member. A leader resigns instead.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::SERVICE, Arg::MEMBER, Arg::TOKEN],
        reply: "1, or 0 when it was no candidate",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        let member = args.text("member");
        service.ensure_types()?;
        service.verify(member, number(args, "token").unwrap_or(0))?;
        service.touch(member, None);
        let stood = service.withdraw(member)?;
        Ok(Reply::Int(i64::from(stood)).into())
    }
}
