//! TASK.ACK and TASK.MACK: the work is done.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Index;
use crate::reply::Reply;
use crate::task::commands::claims::ClaimsArgs;
use crate::task::commands::{ClaimedArgs, claim};
use crate::task::dispatch::{self, limits};
use crate::task::handle::{Queue, Task};
use crate::task::index::{claimed, done};
use crate::task::new_task::ensure_size;
use crate::task::{lifecycle, worker, worklist};
use crate::waiting::{ClaimRequest, Lease};

arguments! {
    pub(crate) struct AckArgs<'a> {
        claim: ClaimedArgs<'a> = Arg::shared(),
        result: Option<&'a [u8]> = Arg::option("RESULT", Arg::bytes("value"))
            .means("the result: for clients that wait for the task, for its REPLY queue, and kept for RETAIN"),
        next: bool = Arg::flag("NEXT")
            .means("also claims the next task; sent again, it returns the same claim as long as that lasts"),
    }
}

/// TASK.ACK.
pub(crate) struct Ack;

impl Command for Ack {
    type Args<'a> = AckArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.ACK",
        summary: "Acknowledges a claimed task: it is done, and removed unless it has RETAIN.",
        complexity: "O(log N) for N claimed tasks",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: AckArgs::ARGS,
        reply: "OK; with NEXT as TASK.CLAIM",
        errors: &[
            (
                "NOTASK",
                "the task does not exist any more: it was acknowledged, or removed",
            ),
            (
                "STALE",
                "the claim is over: the task is ready again, claimed again, or has ended",
            ),
            ("TOOBIG", "the result is larger than `steward.max-payload`"),
            (
                "NOMEMBER",
                "NEXT, for a claim with LEASE MEMBER: the worker is no longer a member",
            ),
        ],
    };

    fn run(args: &AckArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let mut task = match args.claim.find(queue) {
            Err(error) if args.next => return repeated(&args.claim, caller, queue)?.ok_or(error),
            found => found?,
        };
        claimed::ensure_types(queue)?;
        let (mut result, mut retain) = (None, 0);
        if !task.is_cancelled() {
            ensure_size("result", args.result.unwrap_or_default(), &queue.context)?;
            result = args.result;
            retain = done::retain(queue, &task);
            if retain > 0 {
                done::ensure_types(queue, &task.id)?;
            }
        }
        if !args.next {
            lifecycle::complete(queue, &mut task, result, retain)?;
            limits::freed(queue);
            return Ok(Reply::OK.into());
        }
        let mut request = same_again(queue, &task)?;
        worker::ensure_may_claim(queue, &request)?;
        dispatch::ensure_types(queue, &request.worker)?;
        let bound = lifecycle::complete(queue, &mut task, result, retain)?;
        request.bind = caller.connection.filter(|_| bound);
        worklist::unblock(&mut queue.tx());
        queue.refresh_settings()?;
        // The worker that freed the slot comes before the waiting clients.
        let claimed = dispatch::claim(queue, &request, claim::effort(caller, &queue.context))?;
        if let Some((id, token)) = claimed.tokens.first() {
            let next = (id.clone(), *token);
            queue.memory().successors.insert((task.id, args.claim.token), next);
        }
        limits::freed(queue);
        Ok(claim::response(claimed, None, queue, request))
    }
}

/// The response to an ACK NEXT that was sent again because its reply was lost: the claim that it made, if that still
/// lives. It is bound to the calling connection now if it was bound to that of the first call.
fn repeated(acked: &ClaimedArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Option<Response>> {
    let known = queue.state.known_queue(&queue.name);
    let next = known.and_then(|known| known.successors.get(acked.id.as_bytes(), acked.token));
    let Some((id, token)) = next.cloned() else {
        return Ok(None);
    };
    let Ok(task) = queue.find_claim(&id, token) else {
        return Ok(None);
    };
    let Some(record) = queue.keys.get(queue.name.task(&id))? else {
        return Ok(None);
    };
    let request = same_again(queue, &task)?;
    queue
        .state
        .move_claim(&queue.name, (id, token), task.header.worker, caller.connection);
    Ok(Some(
        Reply::Array(vec![dispatch::render(queue, &request, &task, record)]).into(),
    ))
}

/// TASK.MACK.
pub(crate) struct MAck;

impl Command for MAck {
    type Args<'a> = ClaimsArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MACK",
        summary: "Acknowledges several claimed tasks, each on its own.",
        complexity: "O(N log M) for N tasks given and M claimed",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ClaimsArgs::ARGS,
        reply: "array of OK, STALE, NOTASK or CANCELLED",
        errors: &[],
    };

    fn run(args: &ClaimsArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        claimed::ensure_types(queue)?;
        queue.keys.ensure_type(queue.name.index(Index::Done))?;
        let mut replies = Vec::with_capacity(args.tasks.len());
        for claim in &args.tasks {
            replies.push(claim.step(queue, |queue, task| {
                let retain = done::retain(queue, task);
                lifecycle::complete(queue, task, None, retain).map(|_| ())
            })?);
        }
        limits::freed(queue);
        Ok(Reply::Array(replies).into())
    }
}

/// One more task for the same worker with the same lease.
fn same_again(queue: &mut Queue<'_>, task: &Task) -> Result<ClaimRequest> {
    let worker = queue
        .worker_numbers()?
        .name(task.header.worker)
        .unwrap_or_default()
        .to_string();
    if worker.is_empty() {
        return Err(Error::BadArg(
            "NEXT needs the name of the worker, which is no longer among the queue's workers".into(),
        ));
    }
    Ok(ClaimRequest {
        worker,
        count: 1,
        lease: Some(task.header.lease().map_or(Lease::Member, Lease::For)),
        bind: None,
        full: false,
        named: false,
    })
}
