//! What is wrong with the server. It is looked at when somebody asks, and not all the time.

use maud::{Markup, html};
use serde_json::{Value as Json, json};

use super::html::{nothing, plain, wide};
use super::page::Page;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::output::record::Record;

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let user = visit.user();
    let found = user.findings.look(user).map_err(Trouble::Unfit)?;
    let body = html! {
        h1 { "Doctor" }
        @if found.is_empty() { (nothing("Nothing is wrong.")) } @else { (table(&found)) }
    };
    Ok(Page {
        title: "Doctor".into(),
        body,
        json: json!({ "findings": found.iter().map(Record::json).collect::<Json>() }),
    })
}

fn table(found: &[Record]) -> Markup {
    wide(
        "Findings",
        &html! { th { "severity" } th { "check" } th { "what" } th { "what to do" } },
        &html! {
            @for (at, finding) in found.iter().enumerate() {
                @let text = |name| plain(&finding.text(name).unwrap_or_default());
                // Where the overview leads to.
                @let is_first = found.iter().take(at).all(|other| other.text("check") != finding.text("check"));
                tr id=[is_first.then(|| text("check"))] {
                    td { span.state.(text("severity")) { (text("severity")) } }
                    th scope="row" { (text("check")) }
                    td.error { (text("what")) }
                    td.error { (text("remedy")) }
                }
            }
        },
    )
}
