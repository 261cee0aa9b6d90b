//! The command line of `steward work`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{duration, ttl};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct WorkArgs {
    /// The queues; a task is taken from the first that has one
    #[arg(required = true, value_name = "QUEUE")]
    pub queues: Vec<String>,
    /// How many tasks to run at once
    #[arg(short = 'c', long = "concurrency", value_name = "N", env = "STEWARD_CONCURRENCY", value_parser = clap::value_parser!(u16).range(1..=1000), default_value = "1")]
    pub places: u16,
    /// How long one task may take; then its program gets TERM, and KILL after 5 s
    #[arg(long, env = "STEWARD_TIMEOUT", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How long running tasks may go on after steward gets TERM
    #[arg(long, env = "STEWARD_GRACE", value_parser = duration, default_value = "25s")]
    pub grace: Duration,
    /// After how long without a heartbeat of this worker others get its tasks
    #[arg(long, env = "STEWARD_TTL", value_parser = ttl, default_value = "15s")]
    pub ttl: Duration,
    /// How long a task waits before it is run again when its program exits with 75
    #[arg(long, env = "STEWARD_RELEASE_DELAY", value_parser = duration, default_value = "30s")]
    pub release_delay: Duration,
    /// Replace each argument that is exactly this with the payload, instead of giving it on standard input
    #[arg(short = 'I', long, value_name = "REPL", env = "STEWARD_REPLACE")]
    pub replace: Option<OsString>,
    /// Give the payload in STEWARD_PAYLOAD, instead of on standard input
    #[arg(long, env = "STEWARD_ENV")]
    pub env: bool,
    /// Give the payload as it is, even if a library has put an envelope around its data
    #[arg(long, env = "STEWARD_RAW")]
    pub raw: bool,
    /// POST each task to this address, instead of running a program
    #[arg(long, value_name = "URL", env = "STEWARD_HTTP", conflicts_with_all = ["program", "replace", "env"])]
    pub http: Option<String>,
    /// File with the certificate authorities that the certificate of this address is checked against, in place of the system's
    #[arg(
        long,
        value_name = "FILE",
        env = "STEWARD_HTTP_CA_FILE",
        requires = "http",
        conflicts_with = "program"
    )]
    pub http_ca_file: Option<PathBuf>,
    /// File with more headers, one a line
    #[arg(
        long,
        value_name = "FILE",
        env = "STEWARD_HEADER_FILE",
        requires = "http",
        conflicts_with = "program"
    )]
    pub header_file: Option<PathBuf>,
    /// File with the key that signs each request
    #[arg(
        long,
        value_name = "FILE",
        env = "STEWARD_SIGN_KEY_FILE",
        requires = "http",
        conflicts_with = "program"
    )]
    pub sign_key_file: Option<PathBuf>,
    /// Name of this worker [default: host-pid]
    #[arg(long, value_name = "NAME", env = "STEWARD_MEMBER")]
    pub member: Option<String>,
    /// The program and its arguments
    #[arg(last = true, required_unless_present = "http", value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}

impl WorkArgs {
    /// What one option alone cannot show.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let replaced = |replace: &OsString| self.program.iter().skip(1).any(|word| word == replace);
        match &self.replace {
            Some(replace) if !replaced(replace) => Err(Failure::usage(format!(
                "-I: no argument of the program is {}",
                replace.to_string_lossy()
            ))),
            _ => Ok(()),
        }
    }

    /// What the error of a task says that has reached its time limit.
    pub(crate) fn limit_text(&self) -> String {
        let limit = jiff::SignedDuration::try_from(self.timeout.unwrap_or_default());
        format!("time limit {:#}", limit.unwrap_or_default())
    }

    /// Whether the payload is on standard input.
    pub(crate) fn takes_input(&self) -> bool {
        self.replace.is_none() && !self.env
    }
}
