//! The command line of changes.

use std::time::Duration;

use clap::Args;

use super::Filters;
use crate::args::duration;

/// Which tasks a change is about: those named, or all of a state that the filters let through.
#[derive(Args)]
pub(crate) struct Chosen {
    pub queue: String,
    /// The tasks
    #[arg(value_name = "ID", conflicts_with_all = ["kind", "pattern", "attempted", "all"])]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub filters: Filters,
    /// All tasks in that state
    #[arg(long, conflicts_with_all = ["kind", "pattern", "attempted"])]
    pub all: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub chosen: Chosen,
}

#[derive(Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Tasks in this state
    #[arg(long, conflicts_with = "ids", value_parser = ["scheduled", "ready", "blocked", "claimed"])]
    pub state: Option<String>,
    /// Only tasks that this worker has claimed
    #[arg(long, conflicts_with = "ids")]
    pub worker: Option<String>,
    /// The reason; clients that wait for the task get it as the error
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Args)]
pub(crate) struct BuryArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Tasks in this state
    #[arg(long, conflicts_with = "ids", value_parser = ["scheduled", "ready", "claimed"])]
    pub state: Option<String>,
    /// Only tasks that this worker has claimed
    #[arg(long, conflicts_with = "ids")]
    pub worker: Option<String>,
    /// The reason, which becomes the error of the task
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Args)]
pub(crate) struct UnclaimArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Only tasks that this worker has claimed
    #[arg(long, conflicts_with = "ids")]
    pub worker: Option<String>,
}

#[derive(Args)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Tasks in this state
    #[arg(long, conflicts_with = "ids", value_parser = ["scheduled", "ready", "blocked", "done", "dead"])]
    pub state: Option<String>,
    /// Only those that have been in that state for at least this time
    #[arg(long, value_name = "TIME", conflicts_with = "ids", value_parser = duration)]
    pub older: Option<Duration>,
}
