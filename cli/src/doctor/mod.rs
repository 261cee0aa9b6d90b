//! `steward doctor`: what is wrong with a server, why, and what to do.
//!
//! - `facts.rs`: what is asked once
//! - `settings.rs`: what its settings and its state say, without asking more
//! - `replicas.rs` `users.rs` `queues.rs`: what more has to be asked

mod facts;
mod queues;
mod replicas;
mod settings;
mod users;

use crate::args::Output;
use crate::connect::Connector;
use crate::failure::Failure;
use crate::output::line;
use crate::output::record::Record;
use crate::output::table::Rows;
use crate::verbs::Server;
use facts::Facts;

/// How bad it is; the exit code is that of the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    /// Good to know.
    Note,
    /// Data or work may be lost, or wait too long, one day.
    Warning,
    /// It is happening, or bound to.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: Severity,
    /// What was looked at, in one word.
    check: &'static str,
    what: String,
    remedy: String,
    /// The queues that it is about.
    queues: Vec<String>,
}

impl Finding {
    fn note(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding::new(Severity::Note, check, what, remedy)
    }

    fn warning(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, check, what, remedy)
    }

    fn error(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding::new(Severity::Error, check, what, remedy)
    }

    fn new(severity: Severity, check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding {
            severity,
            check,
            what: what.into(),
            remedy: remedy.into(),
            queues: Vec::new(),
        }
    }

    fn about(mut self, queues: Vec<String>) -> Finding {
        self.queues = queues;
        self
    }

    fn record(&self, node: &str) -> Record {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let record = Record::default()
            .and("severity", severity)
            .and("check", self.check)
            .and("node", node);
        let record = record.and("what", &self.what[..]).and("remedy", &self.remedy[..]);
        if self.queues.is_empty() {
            record
        } else {
            record.and("queues", &self.queues[..])
        }
    }
}

pub(crate) fn run(connector: &Connector, output: Output) -> Result<u8, Failure> {
    let all = findings(connector, output)?;
    let mut rows = Rows::new(output, &["severity", "check", "what", "remedy"]).wrapped();
    for (node, finding) in &all {
        rows.add(finding.record(node))?;
    }
    rows.end()?;
    if all.is_empty() && output == Output::Text {
        line("nothing is wrong")?;
    }
    Ok(match all.first().map(|(_, worst)| worst.severity) {
        None | Some(Severity::Note) => 0,
        Some(Severity::Warning) => 1,
        Some(Severity::Error) => 2,
    })
}

/// What is wrong, as records, the worst first.
pub(crate) fn records(connector: &Connector) -> Result<Vec<Record>, Failure> {
    let all = findings(connector, Output::Json)?;
    Ok(all.iter().map(|(node, finding)| finding.record(node)).collect())
}

/// What is wrong with which node, the worst first.
fn findings(connector: &Connector, output: Output) -> Result<Vec<(String, Finding)>, Failure> {
    let mut all = Vec::new();
    for mut server in Server::all(connector, output)? {
        let node = server.link.node().to_string();
        let found = examine(&mut server)?;
        all.extend(found.into_iter().map(|finding| (node.clone(), finding)));
    }
    all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    Ok(all)
}

fn examine(server: &mut Server<'_>) -> Result<Vec<Finding>, Failure> {
    let facts = Facts::ask(server)?;
    let mut found = settings::check(&facts);
    found.extend(replicas::check(server, &facts));
    found.extend(users::check(server, &facts)?);
    found.extend(queues::check(server, &facts)?);
    Ok(found)
}
