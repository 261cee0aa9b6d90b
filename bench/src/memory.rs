//! Memory per task with payloads of 100 bytes: growth of `used_memory` (less the buffers of clients) over 250,000
//! tasks, ready and scheduled for later. Against a stream, the Lua scripts' records, and the hand-made recipe of a
//! hash a task and its id in a list or a sorted set.

use crate::Result;
use crate::connection::encode;
use crate::contender::{Contender, cost};
use crate::load::{PIPELINE, drive};
use crate::options::Options;
use crate::recipes::{PAYLOAD, Streams};
use crate::report::{Aim, Report};
use crate::server::Aof;

/// Not just above a power of two: the server's tables would still be moving to twice their size.
const TASKS: usize = 250_000;
/// Far enough that nothing becomes due meanwhile.
const HOUR_MS: u32 = 3_600_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let [mut steward, mut streams, mut lua] = Contender::all(&options.module, Aof::Off)?;
    let mut hashes = Contender::rival(Streams, Aof::Off)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(3) {
        rounds.push([0, HOUR_MS].map(|delay_ms| -> Result<_> {
            let own = [&mut steward, &mut streams, &mut lua].map(|it| {
                it.clear()?;
                it.schedule(tasks, delay_ms)
            });
            let [own, stream, script] = own;
            Ok([own?, stream?, script?, add_hashes(&mut hashes, tasks, delay_ms)?].map(|used| used.memory_bytes))
        }));
    }
    let (mut ready, mut scheduled) = (Vec::new(), Vec::new());
    for [now, later] in rounds {
        ready.push(now?);
        scheduled.push(later?);
    }
    report.section(&format!("Memory per task, payload of 100 bytes: {tasks} tasks"));
    report.figure(
        "bytes of a ready task",
        ready.iter().map(|[own, ..]| *own),
        Aim::AtMost(300.0),
    );
    report.figure(
        "  / stream entry",
        ready.iter().map(|[own, stream, ..]| own / stream),
        Aim::None,
    );
    report.figure(
        "  / Lua",
        ready.iter().map(|[own, _, script, _]| own / script),
        Aim::None,
    );
    report.figure(
        "  / hash and list",
        ready.iter().map(|[own, .., hash]| own / hash),
        Aim::None,
    );
    report.figure(
        "bytes of a scheduled task",
        scheduled.iter().map(|[own, ..]| *own),
        Aim::None,
    );
    report.figure(
        "  / Lua",
        scheduled.iter().map(|[own, _, script, _]| own / script),
        Aim::None,
    );
    report.figure(
        "  / hash and sorted set",
        scheduled.iter().map(|[own, .., hash]| own / hash),
        Aim::None,
    );
    Ok(())
}

fn add_hashes(it: &mut Contender, tasks: usize, delay_ms: u32) -> Result<crate::server::Usage> {
    it.clear()?;
    let add = |out: &mut Vec<u8>, number: usize| {
        let (hash, due) = (
            "attempts 0 token 0 worker none",
            1_800_000_000_000 + u64::from(delay_ms),
        );
        let place = match delay_ms {
            0 => format!("RPUSH hash:{{q}}:ready {number:011}"),
            _ => format!("ZADD hash:{{q}}:scheduled {due} {number:011}"),
        };
        encode(out, &format!("HSET hash:{{q}}:t:{number:011} payload {PAYLOAD} {hash}")) + encode(out, &place)
    };
    cost(&mut it.control, &mut it.clients, tasks, |clients| {
        drive(clients, PIPELINE, tasks, add, |_| ())
    })
}
