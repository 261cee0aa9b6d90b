//! What heartbeats write: growth of the AOF and the replication stream while 1,000 members send those of ten minutes,
//! one every five seconds each (a third of the usual TTL), as fast as possible. A replica is attached; the primary's
//! pings, which would move the offset too, are disabled. As many SETs with an expiry show the hand-made way.

use crate::Result;
use crate::connection::Connection;
use crate::contender::Contender;
use crate::load::{PIPELINE, drive};
use crate::members::{TTL_MS, beat, register, set_beat};
use crate::options::Options;
use crate::report::{Aim, Report};
use crate::server::{Aof, Server, Usage, info_number};
use std::thread::sleep;
use std::time::{Duration, Instant};

const MEMBERS: usize = 1_000;
const BEATS: usize = MEMBERS * 10 * 60 / 5;
/// Fails if the replica has not caught up by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let beats = options.tasks(BEATS);
    let mut steward = Contender::steward(&options.module, Aof::Everysec)?;
    let replica = Server::start(Some(&options.module), Aof::Off)?;
    follow(&mut replica.connect()?, &mut steward)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds(3) {
        steward.clear()?;
        let tokens = register(&mut steward.clients, MEMBERS, TTL_MS)?;
        let own = written(&mut steward, beats, |out, turn| beat(out, &tokens, turn))?;
        let keys = written(&mut steward, beats, |out, turn| set_beat(out, MEMBERS, turn))?;
        rounds.push([own, keys]);
    }
    report.section(&format!("Bytes written by {beats} beats of {MEMBERS} members"));
    let figures = [
        ("AOF", 0, Aim::NeverAbove(0.0)),
        ("replication stream", 1, Aim::NeverAbove(0.0)),
    ];
    for (label, place, aim) in figures {
        let bytes = |way: usize| {
            let written = rounds.iter().filter_map(move |round| round.get(way)?.get(place));
            written.copied()
        };
        report.figure(label, bytes(0), aim);
        report.figure("  of as many SETs with an expiry", bytes(1), Aim::None);
    }
    Ok(())
}

/// Makes the server of this connection a replica and waits until it follows.
fn follow(replica: &mut Connection, primary: &mut Contender) -> Result<()> {
    primary
        .control
        .command("CONFIG SET repl-ping-replica-period 3600 repl-diskless-sync-delay 0")?;
    replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.server.port()))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let info = replica.command("INFO replication")?.text();
        if info.contains("master_link_status:up") {
            return Ok(());
        }
        sleep(Duration::from_millis(20));
    }
    Err("the replica did not catch up".into())
}

/// Growth of the AOF and of the replication stream by these requests, in bytes.
fn written(steward: &mut Contender, beats: usize, write: impl Fn(&mut Vec<u8>, usize) -> usize) -> Result<[f64; 2]> {
    let before = read(&mut steward.control)?;
    drive(&mut steward.clients, PIPELINE, beats, write, |_| ())?;
    let after = read(&mut steward.control)?;
    let [aof, stream] = after;
    let [aof_before, stream_before] = before;
    Ok([aof - aof_before, stream - stream_before])
}

/// Lengths so far of the AOF and of the replication stream, in bytes.
fn read(control: &mut Connection) -> Result<[f64; 2]> {
    let aof = Usage::read(control)?.aof_bytes;
    let info = control.command("INFO replication")?.text();
    Ok([aof, info_number(&info, "master_repl_offset")])
}
