//! The tasks of a queue in one state, of which a filter shows some.

use maud::{Markup, html};
use redis::Cmd;

use super::actions::tick_box;
use super::fields::Fields;
use super::html::{NOTHING, field, nothing, plain, to_task, wide};
use super::trouble::Trouble;
use super::user::User;
use super::visit::Visit;
use crate::connect::CallError;
use crate::output::record::Record;
use crate::verbs::{Filters, list};

pub(super) const STATES: [&str; 6] = ["ready", "claimed", "scheduled", "blocked", "done", "dead"];

/// Rows after which a page ends, tasks that a call looks at, and calls that a page may take.
const ROWS: usize = 50;
const LOOKED_AT: usize = 200;
const CALLS: usize = 20;

/// Which tasks.
pub(crate) struct Filter {
    pub queue: String,
    pub state: String,
    kind: Option<String>,
    text: Option<String>,
    worker: Option<String>,
    attempted: bool,
}

/// What a page lists.
pub(crate) struct Listed {
    pub tasks: Vec<Record>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Filter {
    pub(super) fn of(fields: &Fields) -> Result<Filter, Trouble> {
        let given = |name| fields.get(name).map(str::to_string);
        let state = fields.get("state").unwrap_or("ready");
        if !STATES.contains(&state) {
            return Err(Trouble::Wrong(format!("There is no state {state}.")));
        }
        Ok(Filter {
            queue: fields.get("name").or(fields.get("queue")).unwrap_or_default().into(),
            state: state.into(),
            kind: given("kind"),
            text: given("q"),
            worker: given("worker"),
            attempted: fields.get("attempted").is_some(),
        })
    }

    /// Those in a state in whose id, payload or error is this text.
    pub(crate) fn by_text(queue: &str, state: &str, text: &str) -> Filter {
        Filter {
            queue: queue.into(),
            state: state.into(),
            kind: None,
            text: Some(text.to_string()).filter(|text| !text.is_empty()),
            worker: None,
            attempted: false,
        }
    }

    pub(super) fn is_any(&self) -> bool {
        self.kind.is_some() || self.text.is_some() || self.worker.is_some() || self.attempted
    }

    /// The command that lists them, a page of so many.
    pub(super) fn list(&self, cursor: &str, count: usize) -> Cmd {
        let filters = Filters {
            kind: self.kind.clone(),
            pattern: self.text.as_deref().map(pattern),
            attempted: self.attempted,
        };
        let mut command = list(&self.queue, &self.state, &filters, self.worker.as_deref());
        command.arg("CURSOR").arg(cursor).arg("COUNT").arg(count);
        command
    }

    /// The page that this visit asks for.
    pub(super) fn read(&self, visit: &Visit) -> Result<Listed, CallError> {
        let Listed { tasks, next } = self.page(visit.user(), visit.query.get("cursor").unwrap_or("0"), ROWS)?;
        let tasks = tasks.into_iter().map(|task| visit.shown(task)).collect();
        Ok(Listed { tasks, next })
    }

    /// A page of them, of about so many.
    pub(crate) fn page(&self, user: &User, cursor: &str, rows: usize) -> Result<Listed, CallError> {
        let count = if self.is_any() { LOOKED_AT } else { rows };
        let mut cursor = cursor.to_string();
        let mut tasks = Vec::new();
        for _ in 0..CALLS {
            let mut list = self.list(&cursor, count);
            // Whatever ended last is what people look for.
            if matches!(&self.state[..], "done" | "dead") {
                list.arg("REV");
            }
            let Some((next, page)) = user.call(&self.queue, &list)?.into_page() else {
                break;
            };
            cursor = next;
            tasks.extend(Record::all_of(&page));
            if cursor == "0" || tasks.len() >= rows {
                break;
            }
        }
        let next = Some(cursor).filter(|cursor| cursor != "0");
        Ok(Listed { tasks, next })
    }

    /// As a form has it.
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        let optional = [("kind", &self.kind), ("q", &self.text), ("worker", &self.worker)];
        let given = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let always = [("queue", &self.queue[..]), ("state", &self.state)];
        let attempted = self.attempted.then_some(("attempted", "1"));
        always.into_iter().chain(given).chain(attempted).collect()
    }
}

/// The pattern that finds a text anywhere, unless it is one already.
fn pattern(text: &str) -> String {
    if text.contains(['*', '?', '[']) {
        text.into()
    } else {
        format!("*{}*", text.replace('\\', "\\\\"))
    }
}

/// The first line of the error of a task.
pub(super) fn first_line(task: &Record) -> String {
    let error = task.text("error").unwrap_or_default();
    error.split(['\n', '\r']).next().unwrap_or_default().into()
}

/// A value of which forms must say that it is empty.
pub(super) fn exact(value: &str) -> String {
    format!("={value}")
}

fn columns(state: &str) -> &'static [&'static str] {
    match state {
        "claimed" => &["worker", "claimed_at", "remaining_ms", "attempt", "progress"],
        "blocked" => &["group", "after", "due_at"],
        "done" => &["finished_at", "run_ms", "attempt", "error"],
        "dead" => &["finished_at", "attempt", "losses", "error"],
        _ => &["due_at", "priority", "attempt", "error"],
    }
}

/// With a box for each, where something can be done to those that are ticked.
pub(super) fn table(visit: &Visit, filter: &Filter, listed: &Listed, has_boxes: bool) -> Markup {
    if listed.tasks.is_empty() {
        let none = if filter.is_any() {
            "No task here matches."
        } else {
            "No tasks here."
        };
        return nothing(none);
    }
    let columns = columns(&filter.state);
    wide(
        "Tasks",
        &html! {
            @if has_boxes { th.box { input.all type="checkbox" aria-label="Tick all of this page"; } }
            th { "id" } th { "kind" }
            @for name in columns { th { (heading(name)) } }
        },
        &html! {
            @for task in &listed.tasks {
                @let id = task.text("id").unwrap_or_default();
                tr {
                    @if has_boxes { td.box { (tick_box(&id)) } }
                    th scope="row" { (to_task(visit, &filter.queue, &id)) }
                    td { (field(task, "kind")) }
                    @for name in columns { td class=(name) { (field(task, name)) } }
                }
            }
        },
    )
}

/// The name of a field, without its unit.
pub(super) fn heading(name: &str) -> String {
    let units = ["_at", "_ms", "_tasks", "_until"];
    let bare = units.iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
    bare.replace('_', " ")
}

/// The box whose words are in the address.
pub(super) fn filter_box(visit: &Visit, filter: &Filter) -> Markup {
    let value = |value: &Option<String>| value.clone().unwrap_or_default();
    html! {
        form.row.filter method="get" action=(visit.address("/queue", &[])) role="search" {
            input type="hidden" name="name" value=(filter.queue);
            input type="hidden" name="state" value=(filter.state);
            input type="search" name="q" value=(value(&filter.text)) placeholder="id, payload or error" aria-label="Text in id, payload or error";
            input name="kind" value=(value(&filter.kind)) placeholder="kind" aria-label="Kind";
            @if filter.state == "claimed" {
                input name="worker" value=(value(&filter.worker)) placeholder="worker" aria-label="Worker";
            }
            label.check { input type="checkbox" name="attempted" value="1" checked[filter.attempted]; "tried before" }
            button { "Filter" }
            @if filter.is_any() {
                a href=(visit.address("/queue", &[("name", &filter.queue), ("state", &filter.state)])) { "Show all" }
            }
        }
    }
}

pub(super) fn next(visit: &Visit, listed: &Listed) -> Markup {
    html! {
        p.row.pages {
            @if visit.query.get("cursor").is_some() {
                a href=(visit.site.address("/queue", &visit.query.with(&[("cursor", "")]))) { "First page" }
            }
            @if let Some(cursor) = &listed.next {
                a rel="next" href=(visit.site.address("/queue", &visit.query.with(&[("cursor", cursor)]))) { "Next page" }
            }
        }
    }
}

/// A state as a word with a colour.
pub(super) fn state(word: &str) -> Markup {
    html! { span.state.(word) { (if word.is_empty() { NOTHING.into() } else { plain(word) }) } }
}
