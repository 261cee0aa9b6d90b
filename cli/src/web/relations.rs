//! What a task has to do with others: those it waits for, those that wait for it, and the line of its group.

use maud::{Markup, html};
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{plain, to_task};
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::Reply;
use crate::output::record::Record;

/// Tasks of each state that are looked at.
const LOOKED_AT: usize = 1_000;
/// Those of a group that may have their turn, beside the blocked ones.
const TURNS: [&str; 3] = ["claimed", "ready", "scheduled"];

#[derive(Default)]
pub(super) struct Relations {
    /// Queue and id.
    parents: Vec<(String, String)>,
    children: Vec<String>,
    /// How many there are, in all queues.
    count: usize,
    group: Option<String>,
    /// Of the group: those that have their turn, and those that wait for it, in order.
    turns: Vec<String>,
    line: Vec<String>,
    /// Whether there are more than those that were looked at.
    is_cut: bool,
}

impl Relations {
    pub(super) fn of(visit: &Visit, queue: &str, id: &str, task: &Record) -> Result<Relations, Trouble> {
        let mut relations = Relations {
            parents: parents(queue, task),
            count: usize::try_from(task.number("dependents").unwrap_or(0)).unwrap_or(0),
            group: task.text("group"),
            ..Relations::default()
        };
        let states = match (&relations.group, relations.count) {
            (Some(_), _) => &["blocked", TURNS[0], TURNS[1], TURNS[2]][..],
            (None, 1..) => &["blocked"],
            (None, 0) => return Ok(relations),
        };
        let list = |state: &&str| {
            let mut list = cmd("TASK.LIST");
            list.arg(queue).arg(state).arg("COUNT").arg(LOOKED_AT);
            list
        };
        let commands: Vec<_> = states.iter().map(list).collect();
        for (state, answer) in states.iter().zip(visit.user().call_all(queue, &commands)?) {
            if let Some((next, page)) = if_allowed(answer)?.and_then(Reply::into_page) {
                relations.is_cut |= next != "0";
                relations.add(queue, id, state, Record::all_of(&page));
            }
        }
        Ok(relations)
    }

    /// Takes up what tasks in this state have to do with it.
    fn add(&mut self, queue: &str, id: &str, state: &str, mut tasks: Vec<Record>) {
        // Tasks join the line as they become due.
        tasks.sort_by_key(|task| task.number("due_at"));
        for task in tasks {
            let Some(other) = task.text("id") else { continue };
            let is_of_group = self.group.is_some() && task.text("group") == self.group;
            // One that was never tried has no turn to keep until it is due.
            let has_turn = state != "scheduled" || task.number("attempt").is_some_and(|attempt| attempt > 0);
            if state == "blocked" && parents(queue, &task).iter().any(|(_, parent)| parent == id) {
                self.children.push(other);
            } else if is_of_group && state == "blocked" {
                self.line.push(other);
            } else if is_of_group && has_turn {
                self.turns.push(other);
            }
        }
    }

    pub(super) fn json(&self) -> Json {
        let parents = self
            .parents
            .iter()
            .map(|(queue, id)| json!({ "queue": queue, "id": id }));
        json!({
            "parents": parents.collect::<Json>(), "dependents": self.children,
            "group_turns": self.turns, "group_line": self.line,
        })
    }

    pub(super) fn shown(&self, visit: &Visit, queue: &str, id: &str) -> Markup {
        let tasks = |ids: &[String]| {
            html! {
                @for other in ids {
                    li { @if other == id { (plain(id)) " (this one)" } @else { (to_task(visit, queue, other)) } }
                }
            }
        };
        html! {
            @if !self.parents.is_empty() || self.count > 0 || self.group.is_some() { h2 { "Others" } }
            @if !self.parents.is_empty() {
                h3 { "Waits for" }
                ul {
                    @for (other, parent) in &self.parents {
                        li { (to_task(visit, other, parent)) @if other != queue { span.hint { " in " (plain(other)) } } }
                    }
                }
            }
            @if self.count > 0 {
                h3 { "Wait for it" }
                ul { (tasks(&self.children)) }
                @if self.count > self.children.len() { p.hint { (self.count) " in all." } }
            }
            @if let Some(group) = &self.group {
                h3 { "Group " (plain(group)) }
                @if !self.turns.is_empty() { p.hint { "It is the turn of" } ul { (tasks(&self.turns)) } }
                @if !self.line.is_empty() { p.hint { "Then of" } ol { (tasks(&self.line)) } }
            }
            @if self.is_cut { p.hint { "Among the first " (LOOKED_AT) " tasks in each state." } }
        }
    }
}

/// The tasks that it comes after: the queue and id of each.
fn parents(queue: &str, task: &Record) -> Vec<(String, String)> {
    let items = |name| task.get(name).map(Reply::items).unwrap_or_default();
    let own = items("after");
    let own = own.iter().filter_map(|id| Some((queue.to_string(), id.text()?)));
    let elsewhere = items("after_in");
    let elsewhere = elsewhere.iter().flat_map(|other| {
        let [queue, ids] = &other.items()[..] else {
            return Vec::new();
        };
        let name = queue.text().unwrap_or_default();
        let of_queue = ids.items();
        of_queue
            .iter()
            .filter_map(|id| Some((name.clone(), id.text()?)))
            .collect()
    });
    own.chain(elsewhere).collect()
}
