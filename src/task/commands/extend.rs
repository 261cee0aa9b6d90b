//! TASK.EXTEND: a claim lasts longer.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::handle::Queue;
use crate::task::index::claimed;
use crate::task::new_task::ensure_size;
use crate::task::options::{self, LEASE};
use crate::time::Ms;

arguments! {
    pub(crate) struct ExtendArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        lease: Option<Ms> = LEASE,
        progress: Option<&'a [u8]> = Arg::option("PROGRESS", Arg::bytes("value")),
    }
}

/// TASK.EXTEND.
pub(crate) struct Extend;

impl Command for Extend {
    type Args<'a> = ExtendArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.EXTEND",
        summary: "Renews the lease of a claim, with LEASE to a new length; PROGRESS is shown by GET and RESULT.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ExtendArgs::ARGS,
        reply: "the lease in ms; null for a claim that lasts as long as its member",
    };

    fn run(args: &ExtendArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = args.claim.find(queue)?;
        if task.is_cancelled() {
            return Err(Error::Cancelled);
        }
        ensure_size("progress", args.progress.unwrap_or_default(), &queue.context)?;
        claimed::ensure_types(queue)?;
        queue.keys.ensure_type(queue.name.options(&task.id))?;

        let before = task.header.clone();
        task.header.lease = args.lease.unwrap_or(before.lease);
        if let Some(progress) = args.progress {
            queue.put_field(&mut task, options::PROGRESS, progress)?;
        }
        if task.header != before {
            queue.write_header(&task)?;
        }
        let Some(lease) = task.header.lease() else {
            return Ok(Reply::Null.into());
        };
        claimed::extend(queue, &task, lease)?;
        Ok(Reply::Int(lease).into())
    }
}
