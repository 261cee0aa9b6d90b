//! HB.WITHDRAW: a candidate withdraws from the election.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::service::Service;
use crate::pid::register::TOKEN;
use crate::reply::Reply;

arguments! {
    pub(crate) struct WithdrawArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        token: u64 = TOKEN,
    }
}

/// HB.WITHDRAW.
pub(crate) struct Withdraw;

impl Command for Withdraw {
    type Args<'a> = WithdrawArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.WITHDRAW",
        summary: "Withdraws a candidacy; the member stays. A leader uses RESIGN instead.",
        complexity: "O(log N) for N candidates",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: WithdrawArgs::ARGS,
        reply: "1, or 0 if it was no candidate",
        errors: &[
            ("NOMEMBER", "there is no such member"),
            ("FENCED", "it is not the token of the member"),
        ],
    };

    fn run(args: &WithdrawArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        service.ensure_types()?;
        service.verify(member, args.token)?;
        service.touch(member, None);
        let stood = service.withdraw(member)?;
        Ok(Reply::Int(i64::from(stood)).into())
    }
}
