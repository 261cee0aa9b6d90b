//! PID.DROP: removes everything of a service.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::service::Service;
use crate::reply::Reply;

arguments! {
    pub(crate) struct DropArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        force: bool = Arg::flag("FORCE").means("also its members"),
    }
}

/// PID.DROP.
pub(crate) struct Drop;

impl Command for Drop {
    type Args<'a> = DropArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.DROP",
        summary: "Removes a service with its events and signals; with FORCE also its members, as EVICT does, in slices if they are many.",
        complexity: "O(N) for N members, 128 at most",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: DropArgs::ARGS,
        reply: "number of members removed",
        errors: &[("BUSYSERVICE", "it has members, without FORCE")],
    };

    fn run(args: &DropArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_types()?;
        let members = service.keys.hlen(service.name.members())?;
        if members > 0 && !args.force {
            return Err(Error::BusyService(members));
        }
        let removed = service.drop_members()?;
        service.elect()?;
        Ok(Reply::count(removed).into())
    }
}
