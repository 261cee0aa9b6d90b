//! `steward queues`.

use redis::cmd;

use super::Server;
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
        let names = server.names("TASK.QUEUES", pattern)?;
        server.each(
            &names,
            |name| cmd("TASK.STATS").arg(name).to_owned(),
            |name, stats| rows.add(Record::of(&stats).under("queue", name)),
        )?;
    }
    rows.end()?;
    Ok(0)
}
