//! Server CPU per task, in two loads from 50 connections, with payloads of 100 bytes.
//!
//! *Phased*: with a pipeline of 16 they add 100,000 tasks to an empty queue, then claim all, then acknowledge all; the
//! server's CPU is read between these phases. *Steady*: with a pipeline of 20 they add 1,000 tasks, claim them and
//! acknowledge them, 100 times, as in a queue that workers keep short.
//!
//! Streams do it with XADD, XREADGROUP, XACK and XDEL; Lua with one script for each step; SET of the same payload to as
//! many keys is the floor of one command. With COUNT 10 a request claims or acknowledges ten tasks (MACK, several ids);
//! adding stays single.

use crate::Result;
use crate::contender::{Contender, IN_FLIGHT, Life};
use crate::load::PIPELINE;
use crate::options::Options;
use crate::recipes::Streams;
use crate::report::{Aim, Report};
use crate::server::Aof;

const TASKS: usize = 100_000;

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let configurations = [
        (Aof::Off, [(1, [0.60, 0.65]), (10, [0.70, 0.95])]),
        (Aof::Everysec, [(1, [0.66, 0.70]), (10, [0.75, 0.82])]),
    ];
    let tasks = options.tasks(TASKS);
    for (aof, counts) in configurations {
        let mut contenders = Contender::all(&options.module, aof)?;
        let mut floor = Contender::rival(Streams, aof)?;
        for (count, aims) in counts {
            let rounds = (0..options.rounds(5))
                .map(|_| Round::measure(&mut contenders, &mut floor, tasks, count))
                .collect::<Result<Vec<_>>>()?;
            report.section(&format!("CPU per task: AOF {aof:?}, COUNT {count}, {tasks} tasks"));
            print(report, &rounds, aims.map(Aim::AtMost));
        }
    }
    Ok(())
}

/// What all cost in one round.
struct Round {
    /// CPU of a task of steward, streams and Lua in the steady load, µs.
    steady: [f64; 3],
    /// The same in the phased load, step by step.
    phased: [Life; 3],
    /// CPU of a SET, µs.
    set: f64,
}

impl Round {
    fn measure(contenders: &mut [Contender; 3], floor: &mut Contender, tasks: usize, count: usize) -> Result<Round> {
        let [steward, streams, lua] = contenders;
        Ok(Round {
            steady: [
                steward.live_steadily(tasks, count)?,
                streams.live_steadily(tasks, count)?,
                lua.live_steadily(tasks, count)?,
            ],
            phased: [
                steward.live(tasks, count)?,
                streams.live(tasks, count)?,
                lua.live(tasks, count)?,
            ],
            set: floor.set(tasks, PIPELINE)?.cpu_us,
        })
    }

    fn to_streams(&self, cpu_us: fn(&Life) -> f64) -> f64 {
        let [own, streams, _] = &self.phased;
        cpu_us(own) / cpu_us(streams)
    }

    fn to_set(&self, cpu_us: fn(&Life) -> f64) -> f64 {
        let [own, ..] = &self.phased;
        cpu_us(own) / self.set
    }
}

fn print(report: &mut Report, rounds: &[Round], [steady, phased]: [Aim; 2]) {
    let mut figure = |label: &str, ratio: fn(&Round) -> f64, aim: Aim| {
        report.figure(label, rounds.iter().map(ratio), aim);
    };
    figure(
        &format!("steady, {IN_FLIGHT} tasks in flight: whole life / streams"),
        |Round {
             steady: [own, streams, _],
             ..
         }| own / streams,
        steady,
    );
    figure(
        "  / Lua",
        |Round {
             steady: [own, _, lua], ..
         }| own / lua,
        Aim::None,
    );
    figure(
        "phased: whole life / streams",
        |round| round.to_streams(Life::cpu_us),
        phased,
    );
    figure(
        "  SCHEDULE / XADD",
        |round| round.to_streams(|life| life.schedule.cpu_us),
        Aim::None,
    );
    figure(
        "  CLAIM / XREADGROUP",
        |round| round.to_streams(|life| life.claim.cpu_us),
        Aim::None,
    );
    figure(
        "  ACK / XACK and XDEL",
        |round| round.to_streams(|life| life.acknowledge.cpu_us),
        Aim::None,
    );
    figure(
        "  whole life / Lua",
        |Round {
             phased: [own, _, lua], ..
         }| own.cpu_us() / lua.cpu_us(),
        Aim::None,
    );
    figure("  whole life / one SET", |round| round.to_set(Life::cpu_us), Aim::None);
    figure(
        "  SCHEDULE / SET",
        |round| round.to_set(|life| life.schedule.cpu_us),
        Aim::AtMost(1.5),
    );
    figure(
        "  CLAIM / SET",
        |round| round.to_set(|life| life.claim.cpu_us),
        Aim::None,
    );
    figure(
        "  ACK / SET",
        |round| round.to_set(|life| life.acknowledge.cpu_us),
        Aim::None,
    );
}
