//! `steward stats`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use redis::cmd;

use super::Server;
use super::args::StatsArgs;
use crate::args::Output;
use crate::connect::{Connector, Reply};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::output::table::{Rows, lines_of, one};
use crate::output::{line, raw, text};

const KINDS: [&str; 8] = [
    "kind",
    "claimed_tasks",
    "claimed_total",
    "acked_total",
    "failed_total",
    "dead_total",
    "run_p50_ms",
    "run_p99_ms",
];

pub(super) fn run(connector: &Connector, output: Output, args: &StatsArgs) -> Result<u8, Failure> {
    let mut servers = match &args.queue {
        Some(queue) => vec![Server::of(connector, output, queue)?],
        None => Server::all(connector, output)?,
    };
    let mut before = BTreeMap::new();
    loop {
        let asked = Instant::now();
        let records = servers
            .iter_mut()
            .map(|server| ask(server, args))
            .collect::<Result<Vec<_>, _>>()?;
        show(output, args, &records.concat(), &before)?;
        let Some(pause) = args.watch else {
            return Ok(0);
        };
        before = totals(&records.concat())
            .map(|(name, total)| (name, (asked, total)))
            .collect();
        std::thread::sleep(pause.max(Duration::from_millis(10)));
    }
}

fn ask(server: &mut Server<'_>, args: &StatsArgs) -> Result<Vec<Record>, Failure> {
    match &args.queue {
        Some(queue) if args.kinds => {
            let kinds = server.call(cmd("TASK.STATS").arg(queue).arg("KINDS"))?;
            Ok(Record::all_of(&kinds)
                .into_iter()
                .map(|kind| kind.under("queue", &queue[..]))
                .collect())
        }
        Some(queue) => {
            let stats = server.call(cmd("TASK.STATS").arg(queue))?;
            Ok(vec![Record::of(&stats).under("queue", &queue[..])])
        }
        None => Ok(vec![info(server)?]),
    }
}

/// What INFO says of the module.
pub(crate) fn info(server: &mut Server<'_>) -> Result<Record, Failure> {
    let text = server.call(cmd("INFO").arg("steward"))?.text().unwrap_or_default();
    let mut record = Record::default().and("node", server.link.node());
    for (name, value) in text
        .lines()
        .filter_map(|line| line.strip_prefix("steward_")?.split_once(':'))
    {
        let number = value.parse().ok().filter(|_| name != "time_zones");
        record = record.and(
            name,
            number.map_or_else(|| Reply::from(value), |number: i64| Reply::from(number)),
        );
    }
    Ok(record)
}

/// Counters, by what they count of what.
fn totals(records: &[Record]) -> impl Iterator<Item = ((usize, String), u64)> {
    let of = |(at, record): (usize, &Record)| {
        let totals = record.fields().filter(|(name, _)| name.ends_with("_total"));
        let totals = totals.filter_map(|(name, total)| Some(((at, name.to_string()), total.number()?)));
        totals.collect::<Vec<_>>()
    };
    records.iter().enumerate().flat_map(of).collect::<Vec<_>>().into_iter()
}

fn show(
    output: Output,
    args: &StatsArgs,
    records: &[Record],
    before: &BTreeMap<(usize, String), (Instant, u64)>,
) -> Result<(), Failure> {
    if output == Output::Json {
        return records.iter().try_for_each(|record| one(output, record));
    }
    let shown = if args.kinds {
        Rows::of(&KINDS, records)
    } else {
        let mut lines = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let mut record = record.clone();
            for ((of, name), total) in totals(records) {
                let Some((asked, old)) = before.get(&(of, name.clone())).filter(|_| of == at) else {
                    continue;
                };
                let rate = (total.saturating_sub(*old)) as f64 / asked.elapsed().as_secs_f64().max(0.001);
                record.put(&name, &format!("{total}  {rate:.1}/s"));
            }
            lines.extend(lines_of(&record));
        }
        lines
    };
    if args.watch.is_some() && std::io::stdout().is_terminal() {
        return redraw(&shown);
    }
    shown.iter().try_for_each(line)?;
    if args.watch.is_some() { line("") } else { Ok(()) }
}

/// Draws over what was there, line by line, so that nothing flickers; what the terminal has no room for is left out.
fn redraw(lines: &[String]) -> Result<(), Failure> {
    let rows = usize::from(text::terminal().map_or(u16::MAX, |(_, rows)| rows));
    let mut screen = String::from("\x1b[H");
    for (at, line) in lines.iter().take(rows.saturating_sub(1)).enumerate() {
        if at > 0 {
            screen.push_str("\r\n");
        }
        screen.push_str(line);
        screen.push_str("\x1b[K");
    }
    screen.push_str("\x1b[J");
    raw(screen.as_bytes())
}
