//! `steward doctor`: what is wrong with a server, why, and what to do.
//!
//! - `facts.rs`: what is asked once
//! - `settings.rs` `persistence.rs`: what its settings and its state say, without asking more
//! - `cluster.rs` `replicas.rs` `users.rs` `queues.rs`: what more has to be asked

mod cluster;
mod facts;
mod persistence;
mod queues;
mod replicas;
mod settings;
mod users;

use crate::args::Output;
use crate::connect::{CallError, Connector};
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

    /// That something was not checked, since a command has no answer.
    fn left_out(check: &'static str, command: &str, error: &CallError) -> Finding {
        let what = format!("not checked: {command}: {error}");
        // Some servers have no such command for anybody.
        if error.is("NOPERM") || error.to_string().contains("unknown command") {
            Finding::note(check, what, "run this as an administrator")
        } else {
            Finding::error(check, what, "end what the server says, and run this again")
        }
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
    let columns = ["node", "severity", "check", "what", "remedy"];
    let columns = columns.get(usize::from(!connector.is_cluster())..).unwrap_or(&columns);
    let mut rows = Rows::new(output, columns).wrapped();
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
    for opened in connector.open_each()? {
        let (node, found) = match opened {
            Ok(link) => {
                let node = link.node().to_string();
                (
                    node,
                    examine(&mut Server {
                        connector,
                        link,
                        output,
                    })?,
                )
            }
            Err((node, error)) => (node, vec![cluster::away(&error)]),
        };
        all.extend(found.into_iter().map(|finding| (node.clone(), finding)));
    }
    all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    Ok(all)
}

fn examine(server: &mut Server<'_>) -> Result<Vec<Finding>, Failure> {
    let facts = Facts::ask(server)?;
    let mut found = settings::check(&facts);
    found.extend(persistence::check(&facts));
    found.extend(cluster::check(server, &facts));
    found.extend(replicas::check(server, &facts));
    found.extend(users::check(server, &facts));
    // A replica refuses what EXPLAIN would tell of, and its primary tells it.
    if facts.info("role") != "slave" {
        found.extend(queues::check(server, &facts)?);
    }
    Ok(found)
}
