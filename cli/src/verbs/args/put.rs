//! The command line of `steward put`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use jiff::Timestamp;

use super::super::{moment, queue};
use crate::args::duration;

#[derive(Args)]
#[command(group(ArgGroup::new("parents").args(["after", "after_in"]).multiple(true)))]
pub(crate) struct PutArgs {
    pub queue: String,
    /// The payload; without it, or with -, all of standard input
    #[arg(conflicts_with = "file", allow_hyphen_values = true)]
    pub payload: Option<OsString>,
    /// Read the payload from a file
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Schedule a task for each line of the input
    #[arg(long, conflicts_with_all = ["id", "unique"])]
    pub lines: bool,
    #[command(flatten)]
    pub when: When,
    /// The id of the task: putting it again with the same id and payload adds nothing
    #[arg(long)]
    pub id: Option<String>,
    /// The kind of the task
    #[arg(long)]
    pub kind: Option<String>,
    /// Priority from 0, the most urgent, to 9
    #[arg(long, value_name = "0-9")]
    pub priority: Option<u8>,
    /// How often it is tried at most
    #[arg(long, value_name = "N")]
    pub attempts: Option<u32>,
    /// The wait between attempts: fixed or exponential, its base, and optionally max and jitter, as in 'exponential 1s
    /// max 1h jitter 20'
    #[arg(long, value_parser = queue::backoff)]
    pub backoff: Option<Backoff>,
    /// How long a claim lasts
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub lease: Option<Duration>,
    /// Drop it unless it is claimed within this time of becoming ready
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub expire: Option<Duration>,
    /// How long it is kept when it is done
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub retain: Option<Duration>,
    /// Refuse it while another task holds this key
    #[arg(long, value_name = "KEY")]
    pub unique: Option<String>,
    /// Hold the key for this time; by default until the task ends
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "unique")]
    pub unique_for: Option<Duration>,
    /// Hold the key until the task is claimed
    #[arg(long, requires = "unique", conflicts_with = "unique_for")]
    pub until_claim: bool,
    /// Overwrite the task that holds the key, if it is not claimed yet
    #[arg(long, requires = "unique")]
    pub replace: bool,
    /// Keep the due time of the task that is overwritten
    #[arg(long, requires = "replace")]
    pub keep: bool,
    /// Tasks of a group run one at a time, in order
    #[arg(long, value_name = "KEY")]
    pub group: Option<String>,
    /// Only this worker may claim it
    #[arg(long, value_name = "WORKER")]
    pub to: Option<String>,
    /// Refuse it if that worker is not a member now
    #[arg(long, requires = "to")]
    pub now: bool,
    /// Schedule a task in this queue that says how it ended
    #[arg(long, value_name = "QUEUE")]
    pub reply: Option<String>,
    /// Only if it dies
    #[arg(long, requires = "reply")]
    pub on_dead: bool,
    /// Wait for this task; may be given several times
    #[arg(long, value_name = "ID")]
    pub after: Vec<String>,
    /// Wait for this task of another queue; may be given several times
    #[arg(long, num_args = 2, value_names = ["QUEUE", "ID"])]
    pub after_in: Vec<String>,
    /// Count unknown tasks that it waits for as done
    #[arg(long, requires = "parents")]
    pub missing_ok: bool,
    /// What to do when a task that it waits for does not succeed
    #[arg(long, value_enum, requires = "parents")]
    pub on_fail: Option<OnFail>,
    /// It comes from elsewhere, where it was tried so many times
    #[arg(long, value_name = "N", conflicts_with = "lines")]
    pub used: Option<u32>,
    /// It died there, of this error
    #[arg(long, value_name = "ERROR", requires = "used")]
    pub dead: Option<String>,
    /// When it was created there
    #[arg(long, value_name = "TIME", value_parser = moment::parse, requires = "used")]
    pub created: Option<Timestamp>,
}

/// When something is to be.
#[derive(Args)]
pub(crate) struct When {
    /// Due after this time
    #[arg(long = "in", visible_alias = "delay", value_name = "TIME", value_parser = duration, conflicts_with = "at")]
    pub delay: Option<Duration>,
    /// Due at this time, in the zone of this machine: 09:00, '2026-12-01 09:00'; or in another: 2026-12-01T09:00+01:00
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub at: Option<Timestamp>,
}

/// Its words, as commands take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backoff(pub Vec<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFail {
    Cancel,
    Run,
    Wait,
}
