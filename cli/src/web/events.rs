//! What happened, the last first: the streams of queues and services.

use maud::{Markup, html};
use redis::{Cmd, Value, cmd};
use serde_json::{Value as Json, json};

use super::html::{NOTHING, cut, field, link, moment, nothing, plain, to_queue, to_task, wide};
use super::page::Page;
use super::trouble::{Trouble, if_allowed};
use super::visit::Visit;
use crate::connect::{CallError, Reply};
use crate::output::record::Record;
use crate::verbs;

/// Events of a page, and of each stream when all are shown.
const ROWS: usize = 200;
const OF_EACH: usize = 20;

pub(super) enum Stream {
    Queue(String),
    Service(String),
}

impl Stream {
    fn name(&self) -> &str {
        match self {
            Stream::Queue(name) | Stream::Service(name) => name,
        }
    }

    fn key(&self) -> String {
        match self {
            Stream::Queue(name) => verbs::events::key("task", name),
            Stream::Service(name) => verbs::events::key("proc", name),
        }
    }

    fn last(&self, count: usize) -> Cmd {
        let mut last = cmd("XREVRANGE");
        last.arg(self.key()).arg("+").arg("-").arg("COUNT").arg(count);
        last
    }

    /// The entries as records with their moments and names.
    fn records(&self, reply: &Reply) -> Vec<Record> {
        let label = match self {
            Stream::Queue(_) => "queue",
            Stream::Service(_) => "service",
        };
        let entry = |entry: &Reply| {
            let [id, fields] = &entry.items()[..] else { return None };
            let at = id.text()?.split('-').next()?.parse::<i64>().ok()?;
            Some(Record::of(fields).under(label, self.name()).under("at", at))
        };
        reply.items().iter().filter_map(entry).collect()
    }
}

/// The last events of a stream, the last one first; none when this user may not read it.
pub(super) fn read(visit: &Visit, stream: &Stream, count: usize) -> Result<Vec<Record>, Trouble> {
    let last = if_allowed(visit.user().call(stream.name(), &stream.last(count)))?;
    let records = last.map(|reply| stream.records(&reply)).unwrap_or_default();
    Ok(records.into_iter().map(|event| to_show(visit, event)).collect())
}

/// Those of all queues or services.
fn read_all(visit: &Visit, list: &str, stream: fn(String) -> Stream) -> Result<Vec<Record>, CallError> {
    let ask = |name: &str| vec![stream(name.into()).last(OF_EACH)];
    let answers = if_allowed(visit.user().about_all(list, ask))?.unwrap_or_default();
    let records = |(name, replies): (String, Vec<Result<Reply, CallError>>)| {
        let found = replies.into_iter().find_map(Result::ok).unwrap_or(Reply(Value::Nil));
        stream(name).records(&found)
    };
    let all = answers.into_iter().flat_map(records);
    Ok(all.map(|event| to_show(visit, event)).collect())
}

/// An event, without what is not to be shown here: progress and errors of tasks are told as reasons.
fn to_show(visit: &Visit, event: Record) -> Record {
    if visit.site.args.no_payloads && event.get("queue").is_some() {
        event.without(&["reason"])
    } else {
        event
    }
}

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let (queue, service) = (visit.query.get("queue"), visit.query.get("service"));
    let mut events = match (queue, service) {
        (Some(queue), _) => read(visit, &Stream::Queue(queue.into()), ROWS)?,
        (None, Some(service)) => read(visit, &Stream::Service(service.into()), ROWS)?,
        (None, None) => {
            let mut all = read_all(visit, "TASK.QUEUES", Stream::Queue)?;
            all.extend(read_all(visit, "PID.SERVICES", Stream::Service)?);
            all
        }
    };
    events.sort_by_key(|event| std::cmp::Reverse(event.number("at")));
    events.truncate(ROWS);
    let body = html! {
        h1 { "Events" @if let Some(name) = queue.or(service) { " of " (plain(name)) } }
        form.row.filter method="get" role="search" {
            input name="queue" value=(queue.unwrap_or_default()) placeholder="queue" aria-label="Queue";
            input name="service" value=(service.unwrap_or_default()) placeholder="or service" aria-label="Service";
            button { "Show" }
            @if queue.or(service).is_some() { a href=(visit.address("/events", &[])) { "Show all" } }
        }
        section #events data-live {
            @if events.is_empty() { (nothing("No events.")) } @else { (table(visit, &events)) }
        }
    };
    Ok(Page {
        title: "Events".into(),
        body,
        json: json!({ "events": events.iter().map(Record::json).collect::<Json>() }),
    })
}

fn table(visit: &Visit, events: &[Record]) -> Markup {
    wide(
        "Events",
        &html! { th { "when" } th { "what" } th { "where" } th { "task or member" } th { "kind" } th { "worker or host" } th { "why" } },
        &html! { @for event in events { (row(visit, event)) } },
    )
}

fn row(visit: &Visit, event: &Record) -> Markup {
    let text = |name| event.text(name).unwrap_or_default();
    let word = text("type");
    let none = || html! { span.none { (NOTHING) } };
    let shown = |name: &str| {
        if event.text(name).is_some_and(|text| !text.is_empty()) {
            field(event, name)
        } else {
            none()
        }
    };
    html! {
        tr {
            td { @if let Some(at) = event.number("at") { (moment(at)) } }
            td { span.state.(word.replace(' ', "-")) { (plain(&word)) } }
            @if event.get("queue").is_some() {
                @let queue = text("queue");
                td { (to_queue(visit, &queue)) }
                td { @if event.get("id").is_some() { (to_task(visit, &queue, &text("id"))) } @else { (shown("name")) } }
                td { (shown("kind")) }
                td { (shown("worker")) }
            } @else {
                td { (link(visit, "/service", &[("name", &text("service"))], &text("service"))) }
                td { (plain(&text("member"))) }
                td { (none()) }
                td { (shown("host")) }
            }
            td.error { (cut(&plain(&text("reason")), 200)) }
        }
    }
}
