//! `steward workers`, `members`, `leaders`, `signal` and `explain`: who is there, and what is in the way.

use redis::cmd;
use serde_json::json;

use super::args::SignalArgs;
use super::{Server, ask};
use crate::args::Output;
use crate::connect::{Connector, Reply};
use crate::failure::{Failure, NOT_SO, say};
use crate::output::record::Record;
use crate::output::table::Rows;
use crate::output::{json_line, line};

pub(super) fn workers(server: &mut Server<'_>, queue: &str) -> Result<u8, Failure> {
    let workers = server.list(cmd("TASK.WORKERS").arg(queue))?;
    let mut rows = Rows::new(server.output, &["worker", "state", "claimed_tasks", "oldest_claim_ms"]);
    workers
        .into_iter()
        .try_for_each(|worker| rows.add(Record::from_map(worker)))?;
    rows.end()?;
    Ok(0)
}

pub(super) fn explain(server: &mut Server<'_>, queue: &str, workers: &[String]) -> Result<u8, Failure> {
    let reply = server.call(cmd("TASK.EXPLAIN").arg(queue).arg(workers))?;
    let mut rows = Rows::new(server.output, &["cause", "text", "until_at"]).wrapped();
    Record::all_of(&reply)
        .into_iter()
        .try_for_each(|cause| rows.add(cause))?;
    rows.end()?;
    Ok(0)
}

pub(super) fn members(
    connector: &Connector,
    output: Output,
    service: Option<&str>,
    host: Option<&str>,
) -> Result<u8, Failure> {
    let columns = [
        "service", "member", "role", "state", "pid", "host", "idle_ms", "ttl_ms", "signal", "status",
    ];
    let mut rows = Rows::new(output, &columns);
    let servers = match service {
        Some(service) => vec![Server::of(connector, output, service)?],
        None => Server::all(connector, output)?,
    };
    for mut server in servers {
        let services = match service {
            Some(service) => vec![service.to_string()],
            None => server.names("PID.SERVICES", None)?,
        };
        for service in services {
            let ask = || {
                let mut ask = cmd("PID.LIST");
                ask.arg(&service).arg("COUNT").arg(1000);
                host.into_iter().for_each(|host| {
                    ask.arg("HOST").arg(host);
                });
                ask
            };
            server.pages(ask, |_, page| {
                for member in Record::all_of(&page) {
                    rows.add(member.under("service", &service[..]))?;
                }
                Ok(true)
            })?;
        }
    }
    rows.end()?;
    Ok(0)
}

pub(super) fn leaders(connector: &Connector, output: Output, pattern: Option<&str>) -> Result<u8, Failure> {
    let mut rows = Rows::new(output, &["service", "member", "since_at", "pid", "host", "epoch"]);
    for mut server in Server::all(connector, output)? {
        let services = server.names("PID.SERVICES", pattern)?;
        server.each(
            &services,
            |service| cmd("HB.LEADER").arg(service).to_owned(),
            |service, leader| {
                if leader.is_null() {
                    return Ok(());
                }
                rows.add(Record::of(&leader).under("service", service))
            },
        )?;
    }
    rows.end()?;
    Ok(0)
}

pub(super) fn signal(server: &mut Server<'_>, args: &SignalArgs) -> Result<u8, Failure> {
    let members = if args.all {
        &["*".to_string()][..]
    } else {
        &args.members
    };
    if args.all
        && !ask::confirm(
            &format!("signal {} to all members of {}", args.word, args.service),
            args.yes,
        )?
    {
        return Ok(NOT_SO);
    }
    let mut signalled = 0;
    for member in members {
        let reply = server.call(cmd("HB.SIGNAL").arg(&args.service).arg(member).arg(&args.word))?;
        signalled += reply.number().unwrap_or(0);
        if reply == Reply::from(0) && !args.all {
            say(format_args!("{member} is not a member of {}", args.service));
        }
    }
    match server.output {
        Output::Text => line(format_args!("members signalled: {signalled}"))?,
        Output::Json => json_line(&json!({"service": args.service, "signalled_members": signalled}))?,
    }
    let asked = u64::try_from(args.members.len()).unwrap_or(u64::MAX);
    Ok(if signalled < asked { NOT_SO } else { 0 })
}
