//! TASK.QUEUES: which queues there are.

use crate::command::run::{Command, Response};
use crate::command::{Access, Keys, Spec};
use crate::context::Caller;
use crate::error::Result;
use crate::keyspace::Keyspace;
use crate::names::{Index, Name, Part};
use crate::pages::{self, PageArgs};
use crate::settings;
use crate::tx::Tx;

/// TASK.QUEUES.
pub(crate) struct Queues;

impl Command for Queues {
    type Args<'a> = PageArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.QUEUES",
        summary: "Lists the queues of this database on this node that the caller may access, in no order. One that exists all the while is returned once.",
        complexity: "O(N) for N queues and services looked at, 1,000 at most",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: PageArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of names",
        errors: &[],
    };

    fn run(args: &PageArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response> {
        let position = pages::position(args.cursor)?;
        let names = tx.state.names_from(caller.db, position);
        Ok(pages::page(args, caller, tx.keys, names, exists)?.into())
    }
}

/// Whether any key of the queue exists that is not the record of a single task. A history alone is no queue.
pub(crate) fn exists(keys: &mut dyn Keyspace, name: &Name) -> bool {
    let parts = Part::once_per_queue().filter(|part| !matches!(part, Part::Queue | Part::History));
    parts.into_iter().any(|part| keys.exists(name.of_queue(part)))
        || Index::ALL.iter().any(|index| keys.exists(name.index(*index)))
        || settings::exist(keys, name)
}
