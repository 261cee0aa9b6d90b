//! TASK.CLAIM and TASK.MCLAIM: work for a worker, now or when there is some.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, IntOr, Keys, Spec, arguments};
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::names::Name;
use crate::proc;
use crate::task::dispatch::{self, Effort, Taken, serve};
use crate::task::{self, worker};
use crate::time::{MAX_LEASE, Ms};
use crate::tx::Tx;
use crate::waiting::{ClaimRequest, Lease, Timeout};

/// The lease of a claim that lasts as long as its worker is a member of the queue's service.
const MEMBER: &str = "MEMBER";
/// Most queues one MCLAIM names.
const MAX_QUEUES: usize = 100;

arguments! {
    /// What a claim is for.
    pub(crate) struct RequestArgs<'a> {
        worker: Actor<'a> = Arg::WORKER,
        count: Option<usize> = Arg::COUNT,
        lease: Option<IntOr> = Arg::option("LEASE", Arg::ms_or("ms", MAX_LEASE, MEMBER)),
        block: Option<Ms> = Arg::BLOCK,
        bind: bool = Arg::flag("BIND"),
        full: bool = Arg::flag("FULL"),
    }
}

arguments! {
    pub(crate) struct ClaimArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        request: RequestArgs<'a> = Arg::shared(),
    }
}

/// TASK.CLAIM.
pub(crate) struct Claim;

impl Command for Claim {
    type Args<'a> = ClaimArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.CLAIM",
        summary: "Claims ready tasks for a worker, waiting for the first if told to; LEASE MEMBER: for as long as the worker is a member of the queue's service.",
        complexity: "O(N) for N tasks claimed",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: ClaimArgs::ARGS,
        reply: "array of maps `id`, `token`, `attempt`, `payload` (FULL adds `queue`, `due`, `priority`, `deliveries`, `lease`, `group`), or null",
    };

    fn run(args: &ClaimArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let want = want(&args.request, caller, false)?;
        worker::check(tx, &name, &want)?;
        serve::first_come(tx, &name, &want.worker)?;
        let effort = effort(caller, &tx.context);
        let taken = dispatch::take(tx, &name, &want, effort)?;
        Ok(dispatch::outcome(
            taken,
            Timeout::asked(args.request.block, caller),
            &[name],
            want,
        ))
    }
}

arguments! {
    pub(crate) struct MClaimArgs<'a> {
        queues: Vec<&'a [u8]> = Arg::counted("numqueues", MAX_QUEUES, &Arg::QUEUE),
        request: RequestArgs<'a> = Arg::shared(),
    }
}

/// TASK.MCLAIM.
pub(crate) struct MClaim;

impl Command for MClaim {
    type Args<'a> = MClaimArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.MCLAIM",
        summary: "Claims ready tasks from the first of several queues that has some.",
        complexity: "O(N+M) for N tasks claimed and M queues",
        access: Access::Write,
        blocking: true,
        keys: Keys::Counted,
        args: MClaimArgs::ARGS,
        reply: "as TASK.CLAIM, each map starting with `queue`",
    };

    fn run(args: &MClaimArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut names: Vec<Name> = Vec::with_capacity(args.queues.len());
        for queue in &args.queues {
            let name = task::queue(queue, caller)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let want = want(&args.request, caller, true)?;
        // One may be served from any of them later.
        for name in &names {
            worker::check(tx, name, &want)?;
            dispatch::check(tx, name, &want.worker)?;
        }
        let effort = effort(caller, &tx.context);
        let mut unsure = Vec::new();
        let mut quiet = true;
        for name in &names {
            serve::first_come(tx, name, &want.worker)?;
            let taken = dispatch::take(tx, name, &want, effort)?;
            if !taken.tasks.is_empty() {
                return Ok(dispatch::outcome(taken, None, &[], want));
            }
            quiet &= taken.quiet;
            if taken.unsure {
                unsure.push(name.clone());
            }
        }
        let wait = Timeout::asked(args.request.block, caller);
        let taken = Taken {
            unsure: !unsure.is_empty(),
            quiet,
            ..Taken::default()
        };
        let names = if wait.is_some() { names } else { unsure };
        Ok(dispatch::outcome(taken, wait, &names, want))
    }
}

fn want(args: &RequestArgs<'_>, caller: &Caller<'_>, named: bool) -> Result<ClaimRequest, Error> {
    Ok(ClaimRequest {
        worker: args.worker.0.to_string(),
        count: args.count.unwrap_or(1),
        lease: args.lease.map(|lease| match lease {
            IntOr::Int(ms) => Lease::For(ms),
            IntOr::Word => Lease::Member,
        }),
        bind: proc::connection(args.bind, caller)?,
        full: args.full,
        named,
    })
}

/// How far this caller's claim goes: to the end when it cannot be held, or when no tick will ever sweep.
pub(crate) fn effort(caller: &Caller<'_>, context: &Context) -> Effort {
    if caller.may_wait && context.config.timer {
        Effort::Bounded
    } else {
        Effort::Thorough
    }
}
