//! TASK.CLAIM and TASK.MCLAIM: work for a worker, now or when there is some.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::{Caller, Context};
use crate::error::Error;
use crate::membership::service;
use crate::names::Name;
use crate::task::dispatch::{self, Effort, Taken, serve};
use crate::task::{self, worker};
use crate::time::MAX_LEASE;
use crate::tx::{Command, Response, Tx};
use crate::waiting::{ClaimRequest, Lease, Timeout};

const LEASE: Arg = Arg::option("LEASE", "ms", Kind::IntOr(1, MAX_LEASE, "ms", MEMBER));
/// The lease of a claim that lasts as long as its worker is a member of the queue's service.
const MEMBER: &str = "MEMBER";
/// Most queues one MCLAIM names.
const MAX_QUEUES: i64 = 100;

/// TASK.CLAIM.
pub(crate) struct Claim;

impl Command for Claim {
    const SPEC: Spec = Spec {
        name: "TASK.CLAIM",
        summary: "Claims ready tasks for a worker, waiting for the first if told to; LEASE MEMBER: for as long as the worker is a member of the queue's service.",
        complexity: "O(N) for N tasks claimed",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::WORKER,
            Arg::COUNT,
            LEASE,
            Arg::BLOCK,
            Arg::flag("BIND"),
            Arg::flag("FULL"),
        ],
        reply: "array of maps `id`, `token`, `attempt`, `payload` (FULL adds `queue`, `due`, `priority`, `deliveries`, `lease`, `group`), or null",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let want = want(args, caller, false)?;
        worker::check(tx, &name, &want)?;
        serve::first_come(tx, &name, &want.worker)?;
        let effort = effort(caller, &tx.context);
        let taken = dispatch::take(tx, &name, &want, effort)?;
        Ok(dispatch::outcome(taken, Timeout::asked(args, caller), &[name], want))
    }
}

/// TASK.MCLAIM.
pub(crate) struct MClaim;

impl Command for MClaim {
    const SPEC: Spec = Spec {
        name: "TASK.MCLAIM",
        summary: "Claims ready tasks from the first of several queues that has some.",
        complexity: "O(N+M) for N tasks claimed and M queues",
        access: Access::Write,
        blocking: true,
        keys: Keys::Counted,
        args: &[
            Arg::value("numqueues", Kind::Counted(MAX_QUEUES, &[Arg::QUEUE])),
            Arg::WORKER,
            Arg::COUNT,
            LEASE,
            Arg::BLOCK,
            Arg::flag("BIND"),
            Arg::flag("FULL"),
        ],
        reply: "as TASK.CLAIM, each map starting with `queue`",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut names: Vec<Name> = Vec::with_capacity(args.items().len());
        for item in args.items() {
            let name = Name::new(caller.db, item.as_bytes())?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let want = want(args, caller, true)?;
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
        let wait = Timeout::asked(args, caller);
        let taken = Taken {
            unsure: !unsure.is_empty(),
            quiet,
            ..Taken::default()
        };
        let names = if wait.is_some() { names } else { unsure };
        Ok(dispatch::outcome(taken, wait, &names, want))
    }
}

fn want(args: &Args<'_>, caller: &Caller<'_>, named: bool) -> Result<ClaimRequest, Error> {
    Ok(ClaimRequest {
        worker: args.text("worker").to_string(),
        count: args
            .int("COUNT")
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(1),
        lease: match args.word("LEASE") {
            Some(_) => Some(Lease::Member),
            None => args.int("LEASE").map(Lease::For),
        },
        bind: service::connection(args, caller)?,
        full: args.has("FULL"),
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
