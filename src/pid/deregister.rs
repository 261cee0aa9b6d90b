//! PID.DEREGISTER: a member leaves.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::liveness::Reason;
use crate::membership::service::{Service, number};
use crate::pid::register::PID;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// PID.DEREGISTER.
pub(crate) struct Deregister;

impl Command for Deregister {
    const SPEC: Spec = Spec {
        name: "PID.DEREGISTER",
        summary: "Takes a member out at its own wish; what it holds is given back as by RELEASE.",
        complexity: "O(log N) for N members, and for each task it held",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::value(
                "proof",
                Kind::Either(&[
                    Arg::option("TOKEN", "token", Arg::TOKEN.kind),
                    Arg::option("PID", "pid", PID),
                ]),
            ),
        ],
        reply: "1, or 0 when it was not there",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        let member = args.text("member");
        service.ensure_types()?;
        let is_it = match (number(args, "TOKEN"), args.int("PID")) {
            (Some(token), _) => match service.verify(member, token) {
                Err(Error::NoMember) => false,
                verified => verified.map(|()| true)?,
            },
            (None, Some(pid)) => service
                .find(member)?
                .is_some_and(|member| member.record.pid == Some(pid)),
            (None, None) => false,
        };
        if is_it {
            service.remove(member, &Reason::Left)?;
            service.elect()?;
        }
        Ok(Reply::Int(i64::from(is_it)).into())
    }
}
