//! What doctor finds, on the overview. Doctor asks much: it is run seldom, only while somebody looks, and beside the
//! pages, and what it finds is kept for the user that it was run for.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use maud::{Markup, html};
use serde_json::Value as Json;

use super::html::{cut, plain};
use super::page::Form;
use super::sessions::locked;
use super::user::User;
use super::visit::Visit;
use crate::connect::{PATIENCE, Reply};
use crate::doctor;
use crate::failure::Failure;
use crate::output::record::Record;

/// Doctor rests so many times as long as it took, within these bounds.
const REST: u32 = 1_000;
const SHORTEST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(60);
/// How long a page waits for what is found first: on most servers it is there by then.
const FIRST: Duration = Duration::from_millis(25);
/// Letters of a finding that the overview tells.
const LETTERS: usize = 240;

/// What was found, or why nobody could look.
type Found = Result<Vec<Record>, String>;

struct Last {
    found: Arc<Found>,
    at: Instant,
    rest: Duration,
}

impl Last {
    /// Whether it is older than so many rests.
    fn is_past(&self, rests: u32) -> bool {
        self.at.elapsed() >= self.rest * rests
    }
}

#[derive(Default)]
struct Looks {
    last: Option<Last>,
    is_looking: bool,
}

/// What doctor found last for a user.
#[derive(Default)]
pub(super) struct Findings {
    looks: Mutex<Looks>,
    looked: Condvar,
}

impl Findings {
    /// Runs doctor now.
    pub(super) fn look(&self, user: &User) -> Result<Vec<Record>, Failure> {
        let begin = Instant::now();
        let found = doctor::records(&user.connector);
        let kept = found.as_ref().map(Vec::clone).map_err(Failure::to_string);
        let mut looks = locked(&self.looks);
        looks.is_looking = false;
        looks.last = Some(Last {
            found: Arc::new(kept),
            at: Instant::now(),
            rest: (begin.elapsed() * REST).clamp(SHORTEST, LONGEST),
        });
        self.looked.notify_all();
        found
    }

    /// Has the next page look again: something was changed.
    pub(super) fn forget(&self) {
        locked(&self.looks).last = None;
    }
}

/// What was found last. None when that is long ago, and doctor has not done within this time.
fn last(user: &Arc<User>, patience: Duration) -> Option<Arc<Found>> {
    let findings = &user.findings;
    let mut looks = locked(&findings.looks);
    looks.last.take_if(|last| last.is_past(2));
    if !looks.is_looking && looks.last.as_ref().is_none_or(|last| last.is_past(1)) {
        looks.is_looking = true;
        let user = user.clone();
        std::thread::spawn(move || user.findings.look(&user));
    }
    let is_awaited = |looks: &mut Looks| looks.last.is_none() && looks.is_looking;
    let waited = findings.looked.wait_timeout_while(looks, patience, is_awaited);
    let (looks, _) = waited.unwrap_or_else(PoisonError::into_inner);
    looks.last.as_ref().map(|last| last.found.clone())
}

/// For one page.
pub(super) struct Told(Option<Arc<Found>>);

impl Told {
    pub(super) fn of(visit: &Visit) -> Told {
        let patience = match visit.form {
            Form::Html => FIRST,
            Form::Json => PATIENCE,
            // The page is sent again.
            Form::Stream => Duration::ZERO,
        };
        Told(last(&visit.session.user, patience))
    }

    /// Errors and warnings, the worst first.
    fn alarming(&self) -> impl Iterator<Item = &Record> {
        let all = self.0.iter().filter_map(|found| found.as_ref().as_ref().ok());
        all.flatten().filter(|finding| severity(finding) != "note")
    }

    /// Null while nobody knows.
    pub(super) fn json(&self) -> Json {
        match self.0.as_deref() {
            Some(Ok(_)) => self.alarming().map(Record::json).collect(),
            Some(Err(_)) | None => Json::Null,
        }
    }

    /// Those of one check and severity together.
    fn by_check(&self) -> Vec<Vec<&Record>> {
        let mut all: Vec<Vec<&Record>> = Vec::new();
        for finding in self.alarming() {
            let is_alike = |other: &&Record| {
                ["severity", "check"]
                    .iter()
                    .all(|name| other.text(name) == finding.text(name))
            };
            match all.iter_mut().find(|alike| alike.first().is_some_and(is_alike)) {
                Some(alike) => alike.push(finding),
                None => all.push(vec![finding]),
            }
        }
        all
    }

    /// Those about each queue.
    pub(super) fn by_queue(&self) -> HashMap<String, Vec<&Record>> {
        let mut all: HashMap<String, Vec<&Record>> = HashMap::new();
        for finding in self.alarming() {
            let queues = finding.get("queues").map(Reply::items).unwrap_or_default();
            for queue in queues.iter().filter_map(Reply::text) {
                all.entry(queue).or_default().push(finding);
            }
        }
        all
    }

    pub(super) fn shown(&self, visit: &Visit) -> Markup {
        let doctor = visit.address("/doctor", &[]);
        html! {
            section #findings data-live aria-label="What is wrong" {
                @match self.0.as_deref() {
                    None => {
                        p.hint { "Doctor is looking at the server." }
                        // Where there are scripts the stream of the page brings it. What is in that, scripts parse as without.
                        @if visit.form == Form::Html { noscript { meta http-equiv="refresh" content="1"; } }
                    }
                    Some(Err(text)) => p.hint { "Doctor cannot look at the server: " (plain(text)) },
                    Some(Ok(all)) => {
                        @let checks = self.by_check();
                        @if checks.is_empty() {
                            p.hint { "Nothing is wrong" @if !all.is_empty() { "; " a href=(doctor) { "some things are good to know" } } "." }
                        } @else {
                            ul.found { @for alike in &checks { li { (told(visit, alike)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn severity(finding: &Record) -> String {
    finding.text("severity").unwrap_or_default()
}

fn what(finding: &Record) -> String {
    cut(&plain(&finding.text("what").unwrap_or_default()), LETTERS)
}

/// The first of some findings alike, how many more there are, and the way to what can be done about them.
fn told(visit: &Visit, alike: &[&Record]) -> Markup {
    html! {
        @if let Some(finding) = alike.first() {
            @let severity = severity(finding);
            span.state.(severity) { (severity) } " "
            a.(severity) href=(remedy(visit, finding)) {
                (what(finding))
                @if alike.len() > 1 { "; " (alike.len() - 1) " more like this" }
            }
        }
    }
}

/// The marks of a queue.
pub(super) fn marks(visit: &Visit, findings: &[&Record]) -> Markup {
    html! {
        @for finding in findings {
            a.state.(severity(finding)) href=(remedy(visit, finding)) title=(what(finding)) {
                (plain(&finding.text("check").unwrap_or_default()))
            } " "
        }
    }
}

/// Where the page of doctor tells what to do.
fn remedy(visit: &Visit, finding: &Record) -> String {
    let check = finding.text("check").unwrap_or_default();
    format!("{}#{check}", visit.address("/doctor", &[]))
}
