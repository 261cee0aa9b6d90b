//! All services: who leads each, and how many members it has.

use maud::html;
use redis::cmd;
use serde_json::{Value as Json, json};

use super::html::{NOTHING, field, link, nothing, number, wide};
use super::page::Page;
use super::trouble::Trouble;
use super::user::User;
use super::visit::Visit;
use crate::connect::{CallError, Reply};
use crate::output::record::Record;

/// Members that are counted of a service.
const COUNTED: usize = 100;

/// Each service with its leader, and how many members it has.
pub(crate) fn all(user: &User) -> Result<Vec<Record>, CallError> {
    let ask = |name: &str| {
        let mut members = cmd("PID.LIST");
        members.arg(name).arg("COUNT").arg(COUNTED);
        vec![cmd("HB.LEADER").arg(name).to_owned(), members]
    };
    let mut services: Vec<Record> = Vec::new();
    for (name, replies) in user.about_all("PID.SERVICES", ask)? {
        let mut replies = replies.into_iter().map(Result::ok);
        let leader = replies
            .next()
            .flatten()
            .map(|reply| Record::of(&reply))
            .unwrap_or_default();
        let members = replies
            .next()
            .flatten()
            .and_then(Reply::into_page)
            .map(|(_, page)| Record::all_of(&page))
            .unwrap_or_default();
        let up = members
            .iter()
            .filter(|member| member.text("state").as_deref() == Some("up"));
        let count = |count: usize| Reply::from(i64::try_from(count).unwrap_or(i64::MAX));
        let service = leader.under("service", &name[..]).and("up_members", count(up.count()));
        services.push(service.and("members", count(members.len())));
    }
    Ok(services)
}

pub(super) fn page(visit: &Visit) -> Result<Page, Trouble> {
    let services = all(visit.user())?;
    let body = html! {
        h1 { "Services" }
        section #services data-live {
            @if services.is_empty() {
                (nothing("No services. One is there as soon as a process registers or beats in it."))
            } @else {
                (wide(
                    "Services",
                    &html! { th { "service" } th.n { "members" } th.n { "up" } th { "leader" } th { "leads since" } th { "pid" } th { "host" } th.n { "epoch" } },
                    &html! {
                        @for service in &services {
                            @let name = service.text("service").unwrap_or_default();
                            @let members = service.number("members").unwrap_or(0);
                            tr {
                                th scope="row" { (link(visit, "/service", &[("name", &name)], &name)) }
                                td.n { (number(members)) @if members >= 100 { " or more" } }
                                td.n { (field(service, "up_members")) }
                                td { @if service.get("member").is_some() { strong { (field(service, "member")) } } @else { span.none { (NOTHING) } } }
                                td { (field(service, "since_at")) }
                                td { (field(service, "pid")) }
                                td { (field(service, "host")) }
                                td.n { (field(service, "epoch")) }
                            }
                        }
                    },
                ))
            }
        }
    };
    Ok(Page {
        title: "Services".into(),
        body,
        json: json!({ "services": services.iter().map(Record::json).collect::<Json>() }),
    })
}
