//! PID.SERVICES: lists the services.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::names::Name;
use crate::pages::{self, PageArgs};
use crate::tx::Tx;

/// PID.SERVICES.
pub(crate) struct Services;

impl Command for Services {
    type Args<'a> = PageArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "PID.SERVICES",
        summary: "Lists the services of this database on this node that the caller may access, in order.",
        complexity: "O(N) for N services looked at",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: PageArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of names",
    };

    fn run(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let after = pages::after_name(args.cursor, caller)?;
        let names = tx.state.services.names_after(caller.db, after.as_ref());
        Ok(pages::page(args, caller, tx.keys, names, exists)?.into())
    }
}

/// Whether any key of the service exists.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    [name.service(), name.members(), name.candidates(), name.events()]
        .into_iter()
        .any(|key| keys.exists(key))
}
