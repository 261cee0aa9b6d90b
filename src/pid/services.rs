//! PID.SERVICES: lists the services.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::overview;
use crate::names::Name;
use crate::pages::{self, Listed, PageArgs};
use crate::reply::Reply;
use crate::state::State;
use crate::state::sums::Holds;
use crate::time::Wall;
use crate::tx::Tx;

/// PID.SERVICES.
pub(crate) struct Services;

impl Command for Services {
    type Args<'a> = PageArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "PID.SERVICES",
        summary: "Lists the services of this database on this node that the caller may access, in no order. A service that exists throughout is returned once.",
        complexity: "O(N) for N queues and services looked at, 1,000 at most",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: PageArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of names; with STATS of maps `service`, `members`, `leaders` (0 or 1)",
        errors: &[],
    };

    fn run(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response> {
        let services = Listed {
            is_one: |holds| holds.service,
            exists: overview::exists,
            stats,
        };
        Ok(pages::page(args, caller, tx, &services)?.into())
    }
}

fn stats(_: &State, name: &Name, holds: &Holds, _: Wall) -> Reply {
    Reply::Map(vec![
        ("service", Reply::text(name.text())),
        ("members", Reply::Int(holds.members.into())),
        ("leaders", Reply::Int(holds.leader.into())),
    ])
}
