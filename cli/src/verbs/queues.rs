//! `steward queues`.

use super::{Server, matching};
use crate::args::Output;
use crate::connect::Connector;
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::table::Rows;

pub(super) fn run(connector: &Connector, output: Output, pattern: Option<&str>) -> Result<u8, Failure> {
    let columns = [
        "queue",
        "ready_tasks",
        "scheduled_tasks",
        "claimed_tasks",
        "blocked_tasks",
        "dead_tasks",
        "oldest_ready_ms",
        "paused_until",
    ];
    let mut rows = Rows::new(output, &columns);
    for mut server in Server::all(connector, output)? {
        let queues = server.list(matching("TASK.QUEUES", pattern).arg("STATS"))?;
        let mut queues: Vec<Record> = queues.into_iter().map(Record::from_map).collect();
        queues.sort_by_key(|queue| queue.text("queue"));
        for queue in queues {
            rows.add(queue.without(&["kinds"]))?;
        }
    }
    rows.end()?;
    Ok(0)
}
