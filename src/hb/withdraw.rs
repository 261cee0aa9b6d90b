//! HB.WITHDRAW: a candidate does not want to lead any more.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::proc::{self, election, roster};
use crate::reply::Reply;
use crate::tx::Tx;

arguments! {
    pub(crate) struct WithdrawArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = Arg::TOKEN,
    }
}

/// HB.WITHDRAW.
pub(crate) struct Withdraw;

impl Command for Withdraw {
    type Args<'a> = WithdrawArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.WITHDRAW",
        summary: "Takes a candidate out of the line; it stays a member. A leader resigns instead.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: WithdrawArgs::ARGS,
        reply: "1, or 0 when it was no candidate",
    };

    fn run(args: &WithdrawArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let member = args.member.0;
        proc::check(tx, &name)?;
        proc::verify(tx, &name, member, args.token)?;
        roster::show(tx, &name, member, None);
        let stood = election::withdraw(tx, &name, member)?;
        Ok(Reply::Int(i64::from(stood)).into())
    }
}
