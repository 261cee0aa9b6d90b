//! TASK.CLAIM and TASK.MCLAIM: tasks for a worker, now or as soon as there are any.

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, IntOr, Key, Keys, Spec, arguments};
use crate::context::{Caller, Context};
use crate::error::Result;
use crate::membership::service::connection;
use crate::names::Name;
use crate::reply::Reply;
use crate::task::dispatch::{self, Claimed, Effort, serve};
use crate::task::handle::Queue;
use crate::task::worker;
use crate::time::{MAX_LEASE, Ms};
use crate::tx::Tx;
use crate::waiting::{ClaimRequest, Lease, Timeout, WaitFor};

/// The lease of a claim that lasts as long as its worker is a member of the queue's service.
const MEMBER: &str = "MEMBER";
/// Most queues that one MCLAIM may name.
const MAX_QUEUES: usize = 100;

arguments! {
    /// What a claim is for.
    pub(crate) struct RequestArgs<'a> {
        worker: Actor<'a> = Arg::WORKER,
        count: Option<usize> = Arg::COUNT.means("how many at most; by default 1"),
        lease: Option<IntOr> = Arg::option("LEASE", Arg::ms_or("ms", MAX_LEASE, MEMBER))
            .means("how long the claims last; by default what the task or its queue says. MEMBER: as long as the worker is a member of the queue's service"),
        block: Option<Ms> = Arg::BLOCK.means("how long to wait for the first task; 0: for ever"),
        bind: bool = Arg::flag("BIND").means("the claims are lost when the connection closes"),
        full: bool = Arg::flag("FULL").means("shows more of each task"),
    }
}

arguments! {
    pub(crate) struct ClaimArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        request: RequestArgs<'a> = Arg::shared(),
    }
}

/// TASK.CLAIM.
pub(crate) struct Claim;

impl Command for Claim {
    type Args<'a> = ClaimArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CLAIM",
        summary: "Claims ready tasks for a worker; with BLOCK, waits for the first one.",
        complexity: "O(N) for N tasks claimed",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: ClaimArgs::ARGS,
        reply: "array of maps `id`, `token`, `attempt`, with FULL also `queue`, `due_at`, `priority`, `deliveries`, `lease_ms`, `group`, then `kind` and last `payload`; or null",
        errors: &[(
            "NOMEMBER",
            "LEASE MEMBER: the worker is not a member of the queue's service",
        )],
    };

    fn run(args: &ClaimArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let request = request(&args.request, caller, false)?;
        worker::ensure_may_claim(queue, &request)?;
        serve::first_come(queue, &request.worker)?;
        let claimed = dispatch::claim(queue, &request, effort(caller, &queue.context))?;
        let timeout = Timeout::asked(args.request.block, caller);
        Ok(response(claimed, timeout, queue, request))
    }
}

arguments! {
    pub(crate) struct MClaimArgs<'a> {
        queues: Vec<&'a [u8]> = Arg::counted("numqueues", MAX_QUEUES, &Arg::QUEUE_NAME)
            .means("how many queues, and their names: the first that has tasks is the one"),
        request: RequestArgs<'a> = Arg::shared(),
    }
}

/// TASK.MCLAIM.
pub(crate) struct MClaim;

impl Command for MClaim {
    type Args<'a> = MClaimArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.MCLAIM",
        summary: "Claims ready tasks from the first of several queues that has any.",
        complexity: "O(N+M) for N tasks claimed and M queues",
        access: Access::Write,
        blocking: true,
        keys: Keys::Counted,
        args: MClaimArgs::ARGS,
        reply: "as TASK.CLAIM, each map starting with `queue`",
        errors: &[(
            "NOMEMBER",
            "LEASE MEMBER: the worker is not a member of the service of one of the queues",
        )],
    };

    fn run(args: &MClaimArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response> {
        let mut names: Vec<Name> = Vec::with_capacity(args.queues.len());
        for queue in &args.queues {
            let name = Name::new(caller.db, queue)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let request = request(&args.request, caller, true)?;
        // A client that waits may be served from any of them later.
        for name in &names {
            let mut queue = Queue::open(tx, name.clone())?;
            worker::ensure_may_claim(&mut queue, &request)?;
            dispatch::ensure_types(&mut queue, &request.worker)?;
        }
        let effort = effort(caller, &tx.context);
        let mut unsure = Vec::new();
        for name in &names {
            let mut queue = Queue::open(tx, name.clone())?;
            serve::first_come(&mut queue, &request.worker)?;
            let claimed = dispatch::claim(&mut queue, &request, effort)?;
            if !claimed.tasks.is_empty() {
                return Ok(Reply::Array(claimed.tasks).into());
            }
            if claimed.unsure {
                unsure.push(name.clone());
            }
        }
        let timeout = Timeout::asked(args.request.block, caller);
        let claimed = Claimed {
            unsure: !unsure.is_empty(),
            ..Claimed::default()
        };
        let names = if timeout.is_some() { names } else { unsure };
        Ok(nothing(&claimed, timeout, names, request))
    }
}

fn request(args: &RequestArgs<'_>, caller: &Caller<'_>, named: bool) -> Result<ClaimRequest> {
    Ok(ClaimRequest {
        worker: args.worker.0.to_string(),
        count: args.count.unwrap_or(1),
        lease: args.lease.map(|lease| match lease {
            IntOr::Int(ms) => Lease::For(ms),
            IntOr::Word => Lease::Member,
        }),
        bind: connection(args.bind, caller)?,
        full: args.full,
        named,
    })
}

/// `Thorough` if the client cannot be blocked, or no timer will ever remove the ghosts.
pub(crate) fn effort(caller: &Caller<'_>, context: &Context) -> Effort {
    if caller.may_wait && context.config.timer {
        Effort::Bounded
    } else {
        Effort::Thorough
    }
}

/// The response to a claim in one queue: its tasks, a wait in the queue, or null.
pub(crate) fn response(
    claimed: Claimed,
    timeout: Option<Timeout>,
    queue: &Queue<'_>,
    request: ClaimRequest,
) -> Response {
    if claimed.tasks.is_empty() {
        nothing(&claimed, timeout, vec![queue.name.clone()], request)
    } else {
        Reply::Array(claimed.tasks).into()
    }
}

/// The response to a claim that got no task: a wait in these queues, or null.
fn nothing(claimed: &Claimed, timeout: Option<Timeout>, names: Vec<Name>, request: ClaimRequest) -> Response {
    let timeout = timeout.or(claimed.unsure.then_some(Timeout::Sweep));
    match timeout {
        Some(timeout) => Response::Wait(WaitFor::Tasks(names, request), timeout),
        None => Reply::NullArray.into(),
    }
}
