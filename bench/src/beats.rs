//! Server CPU and rate of heartbeats with a token over 10,000 members of one service, in turn, against SET of 100
//! bytes over 10,000 keys; from 50 connections, one a round trip and with a pipeline of 16. Members and keys exist
//! before; the server's CPU is read around 100,000 of each. A SET with an expiry is the hand-made heartbeat. The rate
//! is beats per second on the clock, with this client's work, which for the longer reply of a beat is more.

use crate::Result;
use crate::contender::{Contender, cost};
use crate::load::{PIPELINE, drive};
use crate::members::{TTL_MS, beat, register, set_beat};
use crate::options::Options;
use crate::recipes::{Streams, set};
use crate::report::{Aim, Report};
use crate::server::Aof;
use std::time::Instant;

const MEMBERS: usize = 10_000;
const BEATS: usize = 100_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let beats = options.tasks(BEATS);
    for aof in [Aof::Off, Aof::Everysec] {
        let mut steward = Contender::steward(&options.module, aof)?;
        let mut plain = Contender::rival(Streams, aof)?;
        for depth in [1, PIPELINE] {
            let mut rounds = Vec::new();
            for _ in 0..options.rounds(5) {
                rounds.push([
                    measure_beats(&mut steward, depth, beats)?,
                    measure_keys(&mut plain, depth, beats, set)?,
                    measure_keys(&mut plain, depth, beats, |out, turn| set_beat(out, MEMBERS, turn))?,
                ]);
            }
            report.section(&format!(
                "Beats of {MEMBERS} members: AOF {aof:?}, pipeline {depth}, {beats} beats"
            ));
            print(report, &rounds);
        }
    }
    Ok(())
}

fn print(report: &mut Report, rounds: &[[Each; 3]]) {
    let cpu = rounds.iter().map(|[beat, set, _]| beat.cpu_us / set.cpu_us);
    report.figure("CPU of a beat / SET", cpu, Aim::AtMost(1.3));
    let cpu = rounds.iter().map(|[beat, _, expiring]| beat.cpu_us / expiring.cpu_us);
    report.figure("  / SET with an expiry", cpu, Aim::None);
    let rate = rounds.iter().map(|[beat, set, _]| set.wall_us / beat.wall_us);
    report.figure("beats a second / SETs a second, higher is better", rate, Aim::None);
    let rate = rounds.iter().map(|[beat, ..]| 1e3 / beat.wall_us);
    report.figure("  thousand beats a second", rate, Aim::None);
}

/// What one request costs.
struct Each {
    /// CPU of the server, µs.
    cpu_us: f64,
    /// Time on the clock, µs.
    wall_us: f64,
}

fn measure_beats(steward: &mut Contender, depth: usize, beats: usize) -> Result<Each> {
    steward.clear()?;
    let tokens = register(&mut steward.clients, MEMBERS, TTL_MS)?;
    measure(steward, depth, beats, |out, turn| beat(out, &tokens, turn))
}

/// Requests with a number below that of the members.
fn measure_keys(
    plain: &mut Contender,
    depth: usize,
    beats: usize,
    write: impl Fn(&mut Vec<u8>, usize) -> usize,
) -> Result<Each> {
    plain.clear()?;
    drive(&mut plain.clients, PIPELINE, MEMBERS, &write, |_| ())?;
    measure(plain, depth, beats, |out, turn| write(out, turn % MEMBERS))
}

fn measure(
    contender: &mut Contender,
    depth: usize,
    beats: usize,
    write: impl Fn(&mut Vec<u8>, usize) -> usize,
) -> Result<Each> {
    let mut wall_us = 0.0;
    let used = cost(&mut contender.control, &mut contender.clients, beats, |clients| {
        let start = Instant::now();
        drive(clients, depth, beats, write, |_| ())?;
        wall_us = start.elapsed().as_secs_f64() * 1e6 / beats as f64;
        Ok(())
    })?;
    Ok(Each {
        cpu_us: used.cpu_us,
        wall_us,
    })
}
