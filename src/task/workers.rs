//! TASK.WORKERS: who holds how much.

use crate::env::Caller;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Access, Arg, Args, Keys, Spec};
use crate::unit::{Command, Outcome, Unit};

/// TASK.WORKERS.
pub struct Workers;

impl Command for Workers {
    const SPEC: Spec = Spec {
        name: "TASK.WORKERS",
        summary: "Shows the workers that claimed lately, with what they hold.",
        complexity: "O(N) for N workers",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE],
        reply: "array of maps `worker`, `state`, `claimed`, `oldest` (ms since its oldest claim)",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, unit: &mut Unit<'_>) -> Result<Outcome, Error> {
        let name = super::queue(args, caller)?;
        let numbers = super::known_workers(unit, &name)?;
        let now = unit.env.wall_us;
        let queue = unit.memory.known_queue(&name);
        let mut workers: Vec<(String, Reply)> = numbers
            .all()
            .map(|(number, worker)| {
                let claims = queue.map(|queue| &queue.claims);
                // A token is the wall time of its claim in µs.
                let oldest = claims
                    .and_then(|claims| claims.of(number).next())
                    .map(|(token, _)| i64::try_from(now.saturating_sub(token) / 1_000).unwrap_or(i64::MAX));
                let map = Reply::Map(vec![
                    ("worker", Reply::text(worker)),
                    ("state", Reply::Null),
                    ("claimed", Reply::count(claims.map_or(0, |claims| claims.count(number)))),
                    ("oldest", Reply::int_or_null(oldest)),
                ]);
                (worker.to_string(), map)
            })
            .collect();
        workers.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Reply::Array(workers.into_iter().map(|(_, map)| map).collect()).into())
    }
}
