//! A client that schedules.

use super::actor::{Part, Shared};
use crate::support::{Random, Value};

/// It sends again what was not answered.
#[derive(Default)]
pub(super) struct Producer {
    unanswered: Option<String>,
    lost: Option<String>,
}

impl Part for Producer {
    fn next(&mut self, random: &mut Random, shared: &mut Shared) -> Option<String> {
        let again = self.lost.take().filter(|words| words.contains(" ID "));
        let words = again.unwrap_or_else(|| command(random, shared));
        self.unanswered = Some(words.clone());
        Some(words)
    }

    fn told(&mut self, _: &str, _: &Value) {
        self.unanswered = None;
    }

    fn reconnected(&mut self) {
        self.lost = self.unanswered.take();
    }
}

fn command(random: &mut Random, shared: &mut Shared) -> String {
    let (id, number) = (shared.id(random), random.below(60));
    match random.below(30) {
        0 => format!("TASK.CANCEL q {id} {}", shared.id(random)),
        1 => format!("TASK.RESCHEDULE q {id} DELAY {number}"),
        2 => format!("TASK.RESCHEDULE q {id} PRIORITY {}", number % 10),
        3 => "TASK.RETRYALL q COUNT 3".into(),
        4 => format!("TASK.RESULT q {id}"),
        5 => format!("TASK.SCHEDULE q edited UNIQUE r{} REPLACE DELAY {number}", number % 5),
        6..=8 => {
            shared.made += 1;
            let batch = shared.made;
            let payloads: Vec<String> = (0..5).map(|at| format!("b{batch}.{at}")).collect();
            format!("TASK.MSCHEDULE q 5 {} PRIORITY {}", payloads.join(" "), number % 10)
        }
        9..=11 => {
            shared.made += 1;
            format!("TASK.SCHEDULE r x ID t{} DELAY {}", shared.made, number / 2)
        }
        _ => schedule(random, shared),
    }
}

fn schedule(random: &mut Random, shared: &mut Shared) -> String {
    let (one, other) = (shared.id(random), shared.id(random));
    shared.made += 1;
    let number = random.below(60);
    let mut words = format!("TASK.SCHEDULE q x ID t{}", shared.made);
    let onfail = ["", " ONFAIL RUN"][random.below(2)];
    for (times, option) in [
        (4, format!(" DELAY {number}")),
        (3, format!(" PRIORITY {}", number % 10)),
        (6, format!(" LEASE {}", 20 + number)),
        (12, format!(" EXPIRE {}", 1 + number * 3)),
        (4, format!(" BACKOFF FIXED {}", 1 + number / 10)),
        (6, format!(" UNIQUE k{}", number % 20)),
        (3, " RETAIN 600000".into()),
        (3, format!(" GROUP g{}", number % 4)),
        (8, format!(" TO {}{}", ["w", "nobody"][number % 2], number % 3)),
        (5, format!(" AFTER 2 {one} {other} MISSINGOK{onfail}")),
        (3, " REPLY {q}replies".into()),
    ] {
        if random.once_in(times) {
            words.push_str(&option);
        }
    }
    words
}
