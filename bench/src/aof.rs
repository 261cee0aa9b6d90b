//! AOF bytes of a task's whole life: growth of `aof_current_size` while 20,000 tasks are added, claimed and
//! acknowledged, divided by their number. Deterministic but for the digits of ids.

use crate::Result;
use crate::contender::Contender;
use crate::options::Options;
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 20_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    let mut contenders = Contender::all(&options.module, Aof::Everysec)?;
    report.section(&format!(
        "AOF bytes of a task's life, payload of 100 bytes: {tasks} tasks"
    ));
    for count in [1, 10] {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds(3) {
            let [steward, streams, lua] = &mut contenders;
            rounds.push([
                steward.live(tasks, count)?,
                streams.live(tasks, count)?,
                lua.live(tasks, count)?,
            ]);
        }
        let bytes = rounds.iter().map(|[steward, ..]| steward.aof_bytes());
        report.figure(&format!("bytes, COUNT {count}"), bytes, Aim::None);
        let ratio = rounds
            .iter()
            .map(|[steward, streams, _]| steward.aof_bytes() / streams.aof_bytes());
        report.figure("  / streams", ratio, Aim::None);
        let ratio = rounds
            .iter()
            .map(|[steward, _, lua]| steward.aof_bytes() / lua.aof_bytes());
        report.figure("  / Lua", ratio, Aim::None);
    }
    Ok(())
}
