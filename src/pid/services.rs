//! PID.SERVICES: lists the services.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::keyspace::Keyspace;
use crate::membership::leadership::{EPOCH, LEADER, SIGNAL};
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
        summary: "Lists the services of this database on this node that the caller may access, in no order. One that exists all the while is returned once.",
        complexity: "O(N) for N queues and services looked at, 1,000 at most",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: PageArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of names",
        errors: &[],
    };

    fn run(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let position = pages::position(args.cursor)?;
        let names = tx.state.names_from(caller.db, position);
        Ok(pages::page(args, caller, tx.keys, names, exists)?.into())
    }
}

/// Whether any key of the service exists. An application may have a key of the same name as its hash.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    let key = name.service();
    let mut is_ours = |field: &str| keys.hget(key, field.as_bytes()).is_ok_and(|value| value.is_some());
    [LEADER, EPOCH, SIGNAL].into_iter().any(&mut is_ours)
        || [name.members(), name.candidates(), name.events()]
            .into_iter()
            .any(|key| keys.exists(key))
}
