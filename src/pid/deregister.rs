//! PID.DEREGISTER: a member leaves.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::liveness::Reason;
use crate::membership::service::Service;
use crate::pid::register::{PID, TOKEN};
use crate::reply::Reply;

arguments! {
    /// How a process proves that it is the member.
    pub(crate) enum Proof {
        Token(token: u64) = Arg::option("TOKEN", TOKEN),
        Pid(pid: i64) = Arg::option("PID", PID).means("its process id, in place of the token"),
    }
}

arguments! {
    pub(crate) struct DeregisterArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        proof: Proof = Arg::either("proof"),
    }
}

/// PID.DEREGISTER.
pub(crate) struct Deregister;

impl Command for Deregister {
    type Args<'a> = DeregisterArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.DEREGISTER",
        summary: "Deregisters a member; the tasks it holds are given back as by RELEASE.",
        complexity: "O(log N) for N members, and for each task it held",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: DeregisterArgs::ARGS,
        reply: "1, or 0 if there was no such member",
        errors: &[("FENCED", "it is not the token of the member")],
    };

    fn run(args: &DeregisterArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let member = args.member.0;
        service.ensure_types()?;
        let is_it = match args.proof {
            Proof::Token(token) => match service.verify(member, token) {
                Err(Error::NoMember(..)) => false,
                verified => verified.map(|()| true)?,
            },
            Proof::Pid(pid) => service
                .find(member)?
                .is_some_and(|member| member.record.pid == Some(pid)),
        };
        if is_it {
            service.remove(member, &Reason::Left)?;
            service.elect()?;
        }
        Ok(Reply::Int(i64::from(is_it)).into())
    }
}
