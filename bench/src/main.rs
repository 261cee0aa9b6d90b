//! Measures steward against Streams, Lua scripts of the same semantics and SET, all on servers that it starts itself
//! on the loopback interface and ends afterwards. It prints ratios with their spread over several rounds; the
//! variants take turns within each round, so that a noisy machine hits all of them.
//!
//! Server CPU is `used_cpu_user + used_cpu_sys` of INFO: it does not count the client, nor other processes. It is the
//! stable figure on a shared machine; operations a second are not. How each figure is measured is said at the top of
//! the file named after its section: [`cpu`], [`next`], [`rate`], [`plain`], [`limits`], [`groups`], [`after`],
//! [`repeats`], [`memory`], [`backlog`], [`aof`], [`waiting`], [`burst`], [`lateness`], [`idle`], [`beats`], [`beats_aof`],
//! [`kills`], [`deaths`], [`beanstalkd`]. With the first argument `budget` it counts instructions instead: [`mod@budget`].

mod after;
mod aof;
mod backlog;
mod beanstalkd;
mod beats;
mod beats_aof;
mod budget;
mod burst;
mod connection;
mod contender;
mod cpu;
mod crowd;
mod deaths;
mod far;
mod groups;
mod idle;
mod instructions;
mod kills;
mod lateness;
mod limits;
mod load;
mod members;
mod memory;
mod next;
mod options;
mod plain;
mod probe;
mod rate;
mod recipes;
mod repeats;
mod report;
mod server;
mod victim;
mod waiting;

use options::Options;
use report::Report;
use std::process::ExitCode;

/// Errors are only printed here.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Section = fn(&Options, &mut Report) -> Result<()>;

/// Every section, in the order of the report.
const SECTIONS: [(&str, Section); 20] = [
    ("cpu", cpu::run),
    ("next", next::run),
    ("rate", rate::run),
    ("plain", plain::run),
    ("limits", limits::run),
    ("groups", groups::run),
    ("after", after::run),
    ("repeats", repeats::run),
    ("memory", memory::run),
    ("backlog", backlog::run),
    ("aof", aof::run),
    ("waiting", waiting::run),
    ("burst", burst::run),
    ("lateness", lateness::run),
    ("idle", idle::run),
    ("beats", beats::run),
    ("beats-aof", beats_aof::run),
    ("kills", kills::run),
    ("deaths", deaths::run),
    ("beanstalkd", beanstalkd::run),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("steward-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq(victim::ARGUMENT).is_some() {
        return victim::run(args);
    }
    if args.next_if_eq(budget::ARGUMENT).is_some() {
        return budget::run(args);
    }
    let options = Options::parse(args, &SECTIONS.map(|(name, _)| name))?;
    let mut report = Report::default();
    println!("Ratios of server CPU, bytes and times; steward is better below 1.00 unless a line says otherwise.");
    if options.quick {
        println!("--quick: the numbers of tasks are too small to judge by; the aims are for the default run.");
    }
    for (_, section) in SECTIONS.iter().filter(|(name, _)| options.wants(name)) {
        section(&options, &mut report)?;
    }
    report.finish();
    Ok(())
}
