//! A thread that asks the server for what is looked at, again and again.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, Value, cmd};

use super::columns::bars;
use super::view::{Part, View};
use crate::connect::{CallError, Reply};
use crate::output::record::Record;
use crate::output::text;
use crate::verbs;
use crate::watch::{Rate, Seen, Watch, has_no_worker, rest};
use crate::web::{Filter, User, all_services, if_allowed};

/// The time between two looks, unless the server takes long.
const DELAY: Duration = Duration::from_secs(2);
/// Tasks, and events, that are shown, and members of each service.
const ROWS: usize = 100;
/// Letters of a row of a value: a terminal of 80 columns has room for them; and most rows of one.
const PART: usize = 64;
const PARTS: usize = 200;
/// Bars of a line in a table.
const BARS: usize = 16;

/// What somebody looks at.
pub(super) struct Wish {
    pub view: View,
    /// What the server is to find, where there is more than is shown.
    pub filter: String,
}

/// What is there.
#[derive(Default)]
pub(super) struct Answer {
    pub rows: Vec<Record>,
    /// Whether there are more.
    pub is_cut: bool,
    /// The numbers of the queue, or of all queues together.
    pub stats: Record,
    pub rates: Vec<Rate>,
    /// What keeps the tasks of the queue from being done.
    pub causes: Vec<Record>,
}

pub(super) struct Asker {
    user: User,
    watch: Watch,
    /// The time between two looks, if somebody has said so.
    delay: Option<Duration>,
}

impl Asker {
    pub(super) fn new(user: User, delay: Option<Duration>) -> Asker {
        let watch = delay.map_or_else(Watch::default, |delay| Watch::resting(delay, delay));
        Asker { user, watch, delay }
    }

    /// Tells what is there for the last wish, until nobody listens.
    pub(super) fn start(
        mut self,
        wishes: Receiver<Wish>,
        tell: impl Fn(View, Result<Answer, CallError>) -> bool + Send + 'static,
    ) {
        thread::spawn(move || {
            let Ok(mut wish) = wishes.recv() else { return };
            loop {
                let begin = Instant::now();
                let answer = self.read(&wish);
                let pause = match &answer {
                    Ok(_) => self.delay.unwrap_or_else(|| rest(begin.elapsed()).max(DELAY)),
                    Err(_) => self.delay.unwrap_or(DELAY).min(DELAY),
                };
                if !tell(wish.view.clone(), answer) {
                    return;
                }
                match wishes.recv_timeout(pause) {
                    Ok(next) => wish = wishes.try_iter().last().unwrap_or(next),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
    }

    fn read(&mut self, wish: &Wish) -> Result<Answer, CallError> {
        match &wish.view {
            View::Queues => self.queues(),
            View::Members => self.all_members(),
            View::Services => Ok(Answer::of(all_services(&self.user)?)),
            View::Queue(queue, part) => self.queue(queue, *part, &wish.filter),
            View::Service(service, Part::Events) => self.events("proc", service),
            View::Service(service, _) => self.members(service),
            View::Task(queue, id) => self.task(queue, id),
        }
    }

    fn queues(&mut self) -> Result<Answer, CallError> {
        let snapshot = self.watch.queues(|| self.user.queues())?;
        Ok(Answer {
            rows: snapshot.queues.iter().map(row).collect(),
            stats: sum(&snapshot.queues),
            rates: sum_of_rates(&snapshot.queues),
            ..Answer::default()
        })
    }

    fn queue(&mut self, queue: &str, part: Part, filter: &str) -> Result<Answer, CallError> {
        let mut asked = vec![
            cmd("TASK.STATS").arg(queue).to_owned(),
            cmd("TASK.EXPLAIN").arg(queue).to_owned(),
        ];
        match part {
            Part::Kinds => asked.push(cmd("TASK.STATS").arg(queue).arg("KINDS").to_owned()),
            Part::Workers => asked.push(page_of("TASK.WORKERS", queue)),
            _ => {}
        }
        let mut replies = self.user.call_all(queue, &asked)?.into_iter();
        let mut records = || replies.next().map(if_allowed).transpose().map(Option::flatten);
        let stats = records()?.map(|reply| Record::of(&reply)).unwrap_or_default();
        let causes = records()?.map(|reply| Record::all_of(&reply)).unwrap_or_default();
        let rows = records()?;
        let answer = match part {
            Part::Tasks(state) => {
                let filter = Filter::by_text(queue, state, filter);
                let listed = filter.page(&self.user, "0", ROWS)?;
                Answer {
                    is_cut: listed.next.is_some(),
                    ..Answer::of(listed.tasks)
                }
            }
            Part::Events => self.events("task", queue)?,
            Part::Workers => Answer::page(rows),
            _ => Answer::of(rows.map(|reply| Record::all_of(&reply)).unwrap_or_default()),
        };
        Ok(Answer {
            rates: self.watch.sample(queue, &stats),
            stats,
            causes,
            ..answer
        })
    }

    fn events(&self, family: &str, name: &str) -> Result<Answer, CallError> {
        let mut last = cmd("XREVRANGE");
        last.arg(verbs::events::key(family, name)).arg("+").arg("-");
        let reply = self.user.call(name, last.arg("COUNT").arg(ROWS))?;
        let mut answer = Answer::of(reply.items().iter().filter_map(verbs::events::record).collect());
        answer.is_cut = answer.rows.len() == ROWS;
        Ok(answer)
    }

    fn all_members(&self) -> Result<Answer, CallError> {
        let answers = self.user.about_all("PID.SERVICES", members)?;
        let listed = answers.into_iter().map(|(service, replies)| held(&service, replies));
        let mut all = Answer::default();
        for answer in listed {
            let answer = answer?;
            all.rows.extend(answer.rows);
            all.is_cut |= answer.is_cut;
        }
        Ok(all)
    }

    fn members(&self, service: &str) -> Result<Answer, CallError> {
        held(service, self.user.call_all(service, &members(service))?)
    }

    fn task(&self, queue: &str, id: &str) -> Result<Answer, CallError> {
        let task = self.user.call(queue, cmd("TASK.GET").arg(queue).arg(id))?;
        let known = task.pairs().filter(|(_, value)| !value.is_null());
        Ok(Answer::of(
            known.flat_map(|(name, value)| rows_of(&name, &value)).collect(),
        ))
    }
}

/// A field of a task, in as many rows as its value needs.
fn rows_of(name: &str, value: &Reply) -> Vec<Record> {
    let lines: Vec<String> = match &value.0 {
        Value::BulkString(bytes) => {
            let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
            lines.map(text::printable).collect()
        }
        _ => vec![text::field(name, value)],
    };
    let mut parts = lines.iter().flat_map(|line| in_parts(line));
    let mut rows: Vec<Record> = Vec::new();
    for (at, part) in (0_i64..).zip(parts.by_ref().take(PARTS)) {
        let field = if at == 0 { name } else { "" };
        let row = Record::default().and("field", field).and("value", &part[..]);
        rows.push(row.and("of", name).and("part", at));
    }
    if let Some(last) = rows.last_mut().filter(|_| parts.next().is_some()) {
        last.put("value", "… and more");
    }
    rows
}

/// A line in parts that a terminal of 80 columns has room for.
fn in_parts(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    if letters.is_empty() {
        return vec![String::new()];
    }
    letters.chunks(PART).map(|part| part.iter().collect()).collect()
}

impl Answer {
    fn of(rows: Vec<Record>) -> Answer {
        Answer {
            rows,
            ..Answer::default()
        }
    }

    /// Of a reply that is the first page of a list.
    fn page(reply: Option<Reply>) -> Answer {
        let page = reply.and_then(Reply::into_page);
        page.map_or_else(Answer::default, |(next, page)| Answer {
            is_cut: next != "0",
            ..Answer::of(Record::all_of(&page))
        })
    }
}

fn page_of(list: &str, name: &str) -> Cmd {
    cmd(list).arg(name).arg("COUNT").arg(ROWS).to_owned()
}

fn members(service: &str) -> Vec<Cmd> {
    ["PID.LIST", "TASK.WORKERS"].map(|list| page_of(list, service)).into()
}

/// The members of a service, with the tasks that they hold.
fn held(service: &str, replies: Vec<Result<Reply, CallError>>) -> Result<Answer, CallError> {
    let mut replies = replies.into_iter().map(if_allowed);
    let mut page = || replies.next().transpose().map(|reply| Answer::page(reply.flatten()));
    // Both are by name.
    let (members, workers) = (page()?, page()?.rows);
    let row = |member: Record| {
        let worker = workers
            .iter()
            .find(|worker| worker.text("worker") == member.text("member"));
        let held = worker.into_iter().flat_map(Record::fields);
        let held = held.filter(|(name, _)| ["claimed_tasks", "oldest_claim_ms"].contains(name));
        let member = member.under("service", service);
        held.fold(member, |member, (name, value)| member.and(name, value.clone()))
    };
    Ok(Answer {
        rows: members.rows.into_iter().map(row).collect(),
        ..members
    })
}

/// A queue as a row of the table.
fn row(seen: &Seen) -> Record {
    let stats = &seen.stats;
    let row = stats.clone().under("queue", &seen.name[..]);
    let note = match stats.get("paused_until") {
        Some(_) => "paused",
        None if has_no_worker(stats) => "no worker",
        None => return with_rates(row, &seen.rates),
    };
    with_rates(row.and("note", note), &seen.rates)
}

fn with_rates(row: Record, rates: &[Rate]) -> Record {
    let Some(last) = rates.last() else { return row };
    let out: Vec<f64> = rates.iter().map(|rate| rate.acked).collect();
    row.and("in_rate", Reply(Value::Double(last.scheduled)))
        .and("out_rate", Reply(Value::Double(last.acked)))
        .and("trend", &bars(&out, BARS)[..])
}

/// The numbers of tasks of all queues together.
fn sum(queues: &[Seen]) -> Record {
    let names = ["ready", "claimed", "scheduled", "blocked", "done", "dead"];
    let fields = names.map(|name| format!("{name}_tasks"));
    fields.iter().fold(Record::default(), |all, name| {
        all.and(
            name,
            queues.iter().filter_map(|seen| seen.stats.number(name)).sum::<i64>(),
        )
    })
}

/// How all queues together went; those that are there for shorter began later.
fn sum_of_rates(queues: &[Seen]) -> Vec<Rate> {
    let longest = queues.iter().map(|seen| seen.rates.len()).max().unwrap_or(0);
    let mut sums = vec![Rate::default(); longest];
    for seen in queues {
        for (sum, rate) in sums.iter_mut().rev().zip(seen.rates.iter().rev()) {
            *sum = sum.and(rate);
        }
    }
    sums
}
