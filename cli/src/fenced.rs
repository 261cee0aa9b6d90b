//! `steward fenced SERVICE EPOCH -- COMMAND`: a Redis command that is run only while that leader leads.

use redis::cmd;

use crate::args::FencedArgs;
use crate::connect::member::FIRST_EPOCH;
use crate::connect::{CallError, Connector, Link, PATIENCE, Reply};
use crate::failure::{Failure, TEMPORARY};
use crate::leader::ask_leader;
use crate::output;

pub(crate) fn run(connector: &Connector, args: &FencedArgs) -> Result<u8, Failure> {
    let mut link = connector.open_first(&args.service)?;
    let first = fenced(&mut link, args, args.epoch);
    let replied = match first {
        Err(error) if error.is("FENCED") => match present(&mut link, args) {
            Ok(Some(epoch)) => fenced(&mut link, args, epoch),
            Ok(None) => Err(error),
            Err(other) => Err(other),
        },
        replied => replied,
    };
    match replied {
        Ok(reply) => {
            print(&reply)?;
            Ok(0)
        }
        Err(error) if error.is("FENCED") => Err(Failure::new(TEMPORARY, format!("not run: {error}"))),
        Err(error) => Err(connector.failure(&error)),
    }
}

fn fenced(link: &mut Link, args: &FencedArgs, epoch: u64) -> Result<Reply, CallError> {
    let mut command = cmd("HB.FENCED");
    command.arg(&args.service).arg(epoch);
    for word in &args.command {
        command.arg(std::os::unix::ffi::OsStrExt::as_bytes(word.as_os_str()));
    }
    link.call(&command, PATIENCE)
}

/// The epoch in which the leader of the given one leads now: a restart or a failover of the server gave it a new one.
fn present(link: &mut Link, args: &FencedArgs) -> Result<Option<u64>, CallError> {
    let leader = ask_leader(link, &args.service)?.fields();
    let (Some(member), Some(epoch)) = (
        leader.get("member").and_then(Reply::text),
        leader.get("epoch").and_then(Reply::number),
    ) else {
        return Ok(None);
    };
    let known = link.call(cmd("PID.GET").arg(&args.service).arg(member).arg("meta"), PATIENCE)?;
    let first = known.fields().get(FIRST_EPOCH).and_then(Reply::number);
    Ok(first
        .filter(|&first| first <= args.epoch && args.epoch < epoch)
        .map(|_| epoch))
}

/// Prints a reply as redis-cli does into a pipe.
fn print(reply: &Reply) -> Result<(), Failure> {
    match reply.text() {
        Some(text) => output::line(text),
        None if reply.is_null() => output::line(""),
        None => reply.items().iter().try_for_each(print),
    }
}
