//! `steward-bench budget --module FILE [--rounds N]`: counts the instructions of the commands of a task's life and of a
//! beat, and fails when those inside the module are above the budget of `bench/budget.tsv`. What the whole process
//! took is printed beside them; it differs between machines and has no budget.

use crate::Result;
use crate::instructions::{Count, Counter, ensure_valgrind};
use crate::options::Options;
use crate::server::Aof;
use std::path::Path;

/// The first argument that asks for this.
pub const ARGUMENT: &str = "budget";
const BUDGETS: &str = include_str!("../budget.tsv");
/// Compilers, and the hash seeds of a server, move the numbers a little.
const TOLERANCE: f64 = 0.03;
const ROUNDS: usize = 3;
/// What is counted: commands, and the tasks of one request.
const CASES: [(&str, usize); 6] = [
    ("SCHEDULE", 1),
    ("CLAIM", 1),
    ("ACK", 1),
    ("CLAIM", 10),
    ("MACK", 10),
    ("BEAT", 1),
];

/// Counts and prints; errors when a budget is exceeded or something needed is missing.
pub fn run(args: impl Iterator<Item = String>) -> Result<()> {
    let options = Options::parse(args, &[])?;
    ensure_valgrind()?;
    let rounds = options.rounds(ROUNDS);
    println!("Instructions for each task or beat, medians of {rounds} rounds");
    println!(
        "  {:<10} {:>5} {:>5} {:>10} {:>10} {:>8} {:>12}",
        "", "COUNT", "AOF", "budget", "module", "spread", "in all"
    );
    let mut exceeded = 0;
    for (aof, name) in [(Aof::Off, "off"), (Aof::Everysec, "on")] {
        let counted = (0..rounds)
            .map(|_| measure(&options.module, aof))
            .collect::<Result<Vec<_>>>()?;
        for (place, (command, count)) in CASES.iter().enumerate() {
            let counts = counted.iter().filter_map(|round| round.get(place).copied()).collect();
            let case = [*command, &count.to_string(), name];
            exceeded += usize::from(!judge(case, counts)?);
        }
    }
    match exceeded {
        0 => Ok(()),
        _ => Err(format!("{exceeded} of {} budgets exceeded", CASES.len() * 2).into()),
    }
}

/// One round, in the order of `CASES`.
fn measure(module: &Path, aof: Aof) -> Result<[Count; CASES.len()]> {
    let mut counter = Counter::start(module, aof)?;
    let [schedule, claim, ack] = counter.life(1)?;
    let [_, claim_10, mack_10] = counter.life(10)?;
    Ok([schedule, claim, ack, claim_10, mack_10, counter.beat()?])
}

/// Prints what was counted of a case; whether it is within its budget.
fn judge(case: [&str; 3], mut counts: Vec<Count>) -> Result<bool> {
    counts.sort_by(|a, b| a.own.total_cmp(&b.own));
    let (Some(least), Some(most), Some(median)) = (counts.first(), counts.last(), counts.get(counts.len() / 2)) else {
        return Err("nothing was counted".into());
    };
    let budget = budget(case).ok_or_else(|| format!("bench/budget.tsv has no budget for {}", case.join(" ")))?;
    let verdict = match median.own / budget {
        share if share > 1.0 + TOLERANCE => format!("EXCEEDED by {:.1} %", (share - 1.0) * 100.0),
        share if share < 1.0 - TOLERANCE => "ok; the budget can be lowered".to_owned(),
        _ => "ok".to_owned(),
    };
    let [command, count, aof] = case;
    let spread = (most.own - least.own) / median.own * 100.0;
    println!(
        "  {command:<10} {count:>5} {aof:>5} {budget:>10.0} {:>10.0} {spread:>6.1} % {:>12.0}   {verdict}",
        median.own, median.total
    );
    Ok(median.own <= budget * (1.0 + TOLERANCE))
}

/// Instructions inside the module that a case may take.
fn budget(case: [&str; 3]) -> Option<f64> {
    let rows = BUDGETS.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = rows.filter_map(|row| match row.split_last() {
        Some((budget, words)) if words == case => budget.parse().ok(),
        _ => None,
    });
    found.next()
}
