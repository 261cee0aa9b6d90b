//! TASK.EXTEND and TASK.MEXTEND: a claim lasts longer.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::task::commands::ClaimedArgs;
use crate::task::commands::claims::ClaimsArgs;
use crate::task::handle::{Queue, Task};
use crate::task::index::claimed;
use crate::task::lifecycle;
use crate::task::new_task::ensure_size;
use crate::task::options::{self, LEASE};
use crate::time::Ms;

arguments! {
    pub(crate) struct ExtendArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        lease: Option<Ms> = LEASE.means("its new length; by default the one it has"),
        progress: Option<&'a [u8]> = Arg::option("PROGRESS", Arg::bytes("value"))
            .means("how far the task is, for GET and RESULT"),
    }
}

/// TASK.EXTEND.
pub(crate) struct Extend;

impl Command for Extend {
    type Args<'a> = ExtendArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.EXTEND",
        summary: "Renews the lease of a claim, counted from now; with PROGRESS, reports how far the task is.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ExtendArgs::ARGS,
        reply: "the lease in ms; null for a claim that lasts as long as its member",
        errors: &[
            (
                "NOTASK",
                "the task does not exist any more: it was acknowledged, or removed",
            ),
            (
                "STALE",
                "the claim is over: the task is ready again, claimed again, or has ended",
            ),
            ("CANCELLED", "the task was cancelled: stop, then ACK or RELEASE"),
            ("TOOBIG", "the progress is larger than `steward.max-payload`"),
        ],
    };

    fn run(args: &ExtendArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = args.claim.find(queue)?;
        if task.is_cancelled() {
            return Err(Error::Cancelled);
        }
        ensure_size("progress", args.progress.unwrap_or_default(), &queue.context)?;
        claimed::ensure_types(queue)?;
        queue.keys.ensure_type(queue.name.options(&task.id))?;

        let lease = extend(queue, &mut task, args.lease, args.progress)?;
        Ok(Reply::int_or_null(lease).into())
    }
}

/// Renews the lease, and stores the progress. Returns the lease, ms; `None` if the claim lasts as long as its member.
fn extend(queue: &mut Queue<'_>, task: &mut Task, lease: Option<Ms>, progress: Option<&[u8]>) -> Result<Option<Ms>> {
    let before = task.header.clone();
    task.header.lease = lease.unwrap_or(before.lease);
    if let Some(progress) = progress {
        queue.put_field(task, options::PROGRESS, progress)?;
        lifecycle::tell(queue, task, "progress", task.header.attempt(), progress);
    }
    if task.header != before {
        queue.write_header(task)?;
    }
    let lease = task.header.lease();
    if let Some(lease) = lease {
        claimed::extend(queue, task, lease)?;
    }
    Ok(lease)
}

arguments! {
    pub(crate) struct MExtendArgs<'a> {
        claims: ClaimsArgs<'a> = Arg::shared(),
        lease: Option<Ms> = LEASE.means("its new length; by default the one it has"),
    }
}

/// TASK.MEXTEND.
pub(crate) struct MExtend;

impl Command for MExtend {
    type Args<'a> = MExtendArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MEXTEND",
        summary: "Renews the leases of several claims, each on its own; that of a cancelled task is not renewed.",
        complexity: "O(N log M) for N tasks given and M claimed",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: MExtendArgs::ARGS,
        reply: "array of OK, STALE, NOTASK or CANCELLED",
        errors: &[],
    };

    fn run(args: &MExtendArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        claimed::ensure_types(queue)?;
        let mut replies = Vec::with_capacity(args.claims.tasks.len());
        for claim in &args.claims.tasks {
            replies.push(claim.step(queue, |queue, task| match task.is_cancelled() {
                true => Ok(()),
                false => extend(queue, task, args.lease, None).map(|_| ()),
            })?);
        }
        Ok(Reply::Array(replies).into())
    }
}
