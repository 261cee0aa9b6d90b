//! Server CPU per task. 50 connections with a pipeline of 16 add 100,000 tasks of 100 bytes to an empty queue, then
//! claim all, then acknowledge all; the server's CPU is read between these phases. Streams do it with XADD,
//! XREADGROUP, XACK and XDEL; Lua with one script for each step; SET of the same payload to as many keys is the floor
//! of one command. With COUNT 10 a request claims or acknowledges ten tasks (MACK, several ids); adding stays single.
//! The same again with 2,000 tasks at a time, as a queue that workers keep short.

use crate::Result;
use crate::contender::{Contender, Life, PIPELINE, SHORT};
use crate::options::Options;
use crate::recipes::Streams;
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 100_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let configurations = [
        (Aof::Off, [(1, Aim::AtMost(0.75)), (10, Aim::AtMost(1.0))]),
        (Aof::Everysec, [(1, Aim::AtMost(0.95)), (10, Aim::AtMost(1.05))]),
    ];
    let tasks = options.tasks(TASKS);
    for (aof, counts) in configurations {
        let mut contenders = Contender::all(&options.module, aof)?;
        let mut floor = Contender::rival(Streams, aof)?;
        for (count, aim) in counts {
            let mut rounds = Vec::new();
            for _ in 0..options.rounds(5) {
                let [steward, streams, lua] = &mut contenders;
                let lives = [
                    steward.live(tasks, count)?,
                    streams.live(tasks, count)?,
                    lua.live(tasks, count)?,
                ];
                let short = steward.live_short(tasks, count)? / streams.live_short(tasks, count)?;
                rounds.push((lives, floor.set(tasks, PIPELINE)?.cpu_us, short));
            }
            report.section(&format!("CPU per task: AOF {aof:?}, COUNT {count}, {tasks} tasks"));
            print(report, &rounds, aim);
        }
    }
    Ok(())
}

/// Lives of steward, streams and Lua; CPU of a SET in µs; steward against streams in a short queue.
type Round = ([Life; 3], f64, f64);

fn print(report: &mut Report, rounds: &[Round], aim: Aim) {
    let mut streams = |label: &str, aim: Aim, cpu_us: fn(&Life) -> f64| {
        let ratios = rounds
            .iter()
            .map(|([steward, streams, _], ..)| cpu_us(steward) / cpu_us(streams));
        report.figure(label, ratios, aim);
    };
    streams("whole life / streams", aim, Life::cpu_us);
    streams("  SCHEDULE / XADD", Aim::None, |life| life.schedule.cpu_us);
    streams("  CLAIM / XREADGROUP", Aim::None, |life| life.claim.cpu_us);
    streams("  ACK / XACK and XDEL", Aim::None, |life| life.acknowledge.cpu_us);
    let short = rounds.iter().map(|(.., short)| *short);
    report.figure(
        &format!("  whole life / streams, {SHORT} tasks at a time"),
        short,
        Aim::None,
    );
    let lua = rounds
        .iter()
        .map(|([steward, _, lua], ..)| steward.cpu_us() / lua.cpu_us());
    report.figure("whole life / Lua", lua, Aim::None);
    let mut floor = |label: &str, cpu_us: fn(&Life) -> f64| {
        report.figure(
            label,
            rounds.iter().map(|([steward, ..], set, _)| cpu_us(steward) / set),
            Aim::None,
        );
    };
    floor("whole life / one SET", Life::cpu_us);
    floor("  SCHEDULE / SET", |life| life.schedule.cpu_us);
    floor("  CLAIM / SET", |life| life.claim.cpu_us);
    floor("  ACK / SET", |life| life.acknowledge.cpu_us);
}
