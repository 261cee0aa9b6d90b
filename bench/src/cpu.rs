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
    /// CPU of a task in the steady load, µs.
    steady: Each<f64>,
    /// The same in the phased load, step by step.
    phased: Each<Life>,
    /// CPU of a SET, µs.
    set: f64,
}

impl Round {
    fn measure(contenders: &mut [Contender; 3], floor: &mut Contender, tasks: usize, count: usize) -> Result<Round> {
        Ok(Round {
            steady: Each::measure(contenders, |contender| contender.live_steadily(tasks, count))?,
            phased: Each::measure(contenders, |contender| contender.live(tasks, count))?,
            set: floor.set(tasks, PIPELINE)?.cpu_us,
        })
    }
}

struct Each<T> {
    steward: T,
    streams: T,
    lua: T,
}

impl<T> Each<T> {
    fn measure(contenders: &mut [Contender; 3], cost: impl Fn(&mut Contender) -> Result<T>) -> Result<Each<T>> {
        let [steward, streams, lua] = contenders;
        Ok(Each {
            steward: cost(steward)?,
            streams: cost(streams)?,
            lua: cost(lua)?,
        })
    }
}

fn print(report: &mut Report, rounds: &[Round], [steady, phased]: [Aim; 2]) {
    let steady_cpu = rounds.iter().map(|round| &round.steady);
    let title = format!("steady, {IN_FLIGHT} tasks in flight: whole life / streams");
    report.figure(&title, steady_cpu.clone().map(|cpu| cpu.steward / cpu.streams), steady);
    report.figure(
        "  / Lua",
        steady_cpu.clone().map(|cpu| cpu.steward / cpu.lua),
        Aim::None,
    );
    report.figure("  µs of CPU", steady_cpu.map(|cpu| cpu.steward), Aim::None);

    let mut figure = |label: &str, aim: Aim, cpu_us: fn(&Life) -> f64| {
        let lives = rounds.iter().map(|round| &round.phased);
        report.figure(
            label,
            lives.map(|life| cpu_us(&life.steward) / cpu_us(&life.streams)),
            aim,
        );
    };
    figure("phased: whole life / streams", phased, Life::cpu_us);
    figure("  SCHEDULE / XADD", Aim::None, |life| life.schedule.cpu_us);
    figure("  CLAIM / XREADGROUP", Aim::None, |life| life.claim.cpu_us);
    figure("  ACK / XACK and XDEL", Aim::None, |life| life.acknowledge.cpu_us);
    let lives = rounds.iter().map(|round| &round.phased);
    let lua = lives.map(|life| life.steward.cpu_us() / life.lua.cpu_us());
    report.figure("  whole life / Lua", lua, Aim::None);
    let own = rounds.iter().map(|round| round.phased.steward.cpu_us());
    report.figure("  whole life, µs of CPU", own, Aim::None);

    let mut floor = |label: &str, aim: Aim, cpu_us: fn(&Life) -> f64| {
        let ratios = rounds.iter().map(|round| cpu_us(&round.phased.steward) / round.set);
        report.figure(label, ratios, aim);
    };
    floor("  whole life / one SET", Aim::None, Life::cpu_us);
    floor("  SCHEDULE / SET", Aim::AtMost(1.5), |life| life.schedule.cpu_us);
    floor("  CLAIM / SET", Aim::None, |life| life.claim.cpu_us);
    floor("  ACK / SET", Aim::None, |life| life.acknowledge.cpu_us);
}
