//! What can be done to tasks: to one, to those that are ticked in a list, and to all that a filter shows.

use maud::{Markup, html};

use super::html::{button, confirmed, hidden, number};
use super::listing::Filter;
use super::rights::Right;
use super::visit::Visit;

/// The form that the boxes and buttons of a list belong to, wherever they are.
const TICKED: &str = "ticked";

/// What can be done to tasks in this state, and who may.
fn verbs(state: &str) -> &'static [(&'static str, &'static str, Right)] {
    const RETRY: (&str, &str, Right) = ("retry", "Retry", Right::Retry);
    const RUN: (&str, &str, Right) = ("run", "Run now", Right::Reschedule);
    const CANCEL: (&str, &str, Right) = ("cancel", "Cancel", Right::Cancel);
    const BURY: (&str, &str, Right) = ("bury", "Bury", Right::Bury);
    const UNCLAIM: (&str, &str, Right) = ("unclaim", "Give to another worker", Right::Unclaim);
    const PURGE: (&str, &str, Right) = ("purge", "Remove", Right::Purge);
    match state {
        "scheduled" => &[RUN, CANCEL, BURY, PURGE],
        "ready" => &[CANCEL, BURY, PURGE],
        "claimed" => &[UNCLAIM, CANCEL, BURY],
        "blocked" => &[CANCEL, PURGE],
        "done" => &[PURGE],
        "dead" => &[RETRY, PURGE],
        _ => &[],
    }
}

/// Those that this visitor may do.
pub(super) fn allowed(visit: &Visit, queue: &str, state: &str) -> Vec<(&'static str, &'static str)> {
    let mine = verbs(state).iter().filter(|(_, _, right)| visit.may(queue, *right));
    mine.map(|(verb, label, _)| (*verb, *label)).collect()
}

/// The box of a task in a list.
pub(super) fn tick_box(id: &str) -> Markup {
    html! { input type="checkbox" name="id" value=(id) form=(TICKED) aria-label=(format!("Tick {id}")); }
}

/// The buttons for those tasks that are ticked. Of the verbs that this visitor may do.
pub(super) fn ticked(visit: &Visit, filter: &Filter, allowed: &[(&str, &str)]) -> Markup {
    let button = |verb: &str, label: &str, class: Option<&str>| {
        html! { button form=(TICKED) name="change" value=(verb) class=[class] { (label) } }
    };
    html! {
        form #(TICKED) method="post" action=(visit.address("/ticked", &[])) {
            (hidden(visit, &[("queue", &filter.queue), ("state", &filter.state)]))
        }
        div.row.ticked {
            span.hint { "Those ticked:" }
            @for (verb, label) in allowed {
                @if is_harmless(verb) {
                    (button(verb, label, None))
                } @else {
                    details.confirm {
                        summary { (label) }
                        div.card {
                            p { (label) ": the tasks that are ticked?" }
                            (button(verb, label, Some("danger")))
                        }
                    }
                }
            }
        }
    }
}

/// Whether it is done at the first press.
fn is_harmless(verb: &str) -> bool {
    matches!(verb, "retry" | "run")
}

/// The buttons for all tasks that the filter shows, of so many in the state.
pub(super) fn bulk(visit: &Visit, filter: &Filter, count: i64, allowed: &[(&str, &str)]) -> Markup {
    let (all, shown) = (count.to_string(), number(count));
    let mut fields = filter.fields();
    fields.push(("all", &all));
    let which = if filter.is_any() { " that match the filter" } else { "" };
    html! {
        @if count > 0 && !allowed.is_empty() {
            div.row.bulk {
                span.hint { @if filter.is_any() { "All that match:" } @else { "All of them:" } }
                @for (verb, label) in allowed {
                    @let question = format!("{label}: all tasks{which}, of the {shown} that are {}?", filter.state);
                    (confirmed(visit, label, &question, "/bulk", &[&fields[..], &[("change", verb)]].concat()))
                }
            }
        }
    }
}

/// The buttons for one task in this state.
pub(super) fn task_actions(visit: &Visit, queue: &str, id: &str, state: &str) -> Markup {
    html! {
        @for (verb, label) in allowed(visit, queue, state) {
            @let fields = [("change", verb), ("queue", queue), ("id", id), ("state", state)];
            @if is_harmless(verb) {
                (button(visit, label, &fields))
            } @else {
                (confirmed(visit, label, &format!("{label}: this task?"), "/change", &fields))
            }
        }
    }
}
