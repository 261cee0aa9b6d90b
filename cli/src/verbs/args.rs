//! The command line of the verbs. No option here has a variable of its own: programs that `work` starts have
//! STEWARD_KIND and others in their environment, which are not meant for the tasks that they put.

mod changes;
mod put;

use std::time::Duration;

use clap::{Args, Subcommand};

pub(crate) use changes::{BuryArgs, CancelArgs, Chosen, PurgeArgs, RetryArgs, UnclaimArgs};
pub(crate) use put::{Backoff, PutArgs};

use crate::args::duration;
use crate::cron::CronVerb;
use crate::metrics::MetricsArgs;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Schedule a task, or one for each line
    Put(Box<PutArgs>),
    /// List the queues
    Queues {
        /// Only those whose name matches this pattern
        #[arg(value_name = "GLOB")]
        pattern: Option<String>,
    },
    /// List the tasks of a queue in one state
    Ls(LsArgs),
    /// Show a task
    Show(ShowArgs),
    /// Make dead tasks ready again, with all their attempts
    Retry(RetryArgs),
    /// Cancel tasks: a claimed one when its claim ends
    Cancel(CancelArgs),
    /// Make tasks dead
    Bury(BuryArgs),
    /// End the claims of tasks, which are ready again
    Unclaim(UnclaimArgs),
    /// Remove tasks, without an event
    Purge(PurgeArgs),
    /// Stop claims from a queue
    Pause {
        queue: String,
        /// For this time; by default until `resume`
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        time: Option<Duration>,
    },
    /// End a pause
    Resume { queue: String },
    /// Show the settings of a queue, or change some
    Config {
        queue: String,
        /// A name, to show it; or name=value, as in lease=5m rate=10/1s
        #[arg(value_name = "SETTING")]
        fields: Vec<String>,
    },
    /// Show the numbers of a queue, or of the whole server
    Stats(StatsArgs),
    /// List the workers of a queue
    Workers { queue: String },
    /// List the members of a service, or of all
    Members {
        service: Option<String>,
        /// Only those on this host
        #[arg(long)]
        host: Option<String>,
    },
    /// List who leads which service
    Leaders {
        /// Only services whose name matches this pattern
        #[arg(value_name = "GLOB")]
        pattern: Option<String>,
    },
    /// Set the standing signal of members: quiet, stop, none or a word of your own
    Signal(SignalArgs),
    /// Show what happened to the tasks of a queue, or to the members of a service
    Events(EventsArgs),
    /// Show what happened to the tasks of a queue, hour by hour or day by day
    History {
        queue: String,
        /// How many hours [default: 48]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=48))]
        hours: Option<u16>,
        /// How many days
        #[arg(long, value_name = "N", conflicts_with = "hours", value_parser = clap::value_parser!(u16).range(1..=400))]
        days: Option<u16>,
        /// What happened to the tasks of each kind
        #[arg(long)]
        kinds: bool,
    },
    /// Define recurring tasks in a file, list them, run one now
    Cron {
        #[command(subcommand)]
        verb: CronVerb,
    },
    /// Say why the tasks of a queue are not being done
    Explain {
        queue: String,
        /// By these workers; by default by any
        workers: Vec<String>,
    },
    /// Check what is wrong with the server, and say what to do
    Doctor,
    /// Serve metrics for Prometheus and others
    Metrics(MetricsArgs),
}

/// Which tasks of a state.
#[derive(Args, Clone)]
pub(crate) struct Filters {
    /// Only tasks of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those whose id, payload or error matches
    #[arg(long = "match", value_name = "GLOB")]
    pub pattern: Option<String>,
    /// Only those that have used up an attempt
    #[arg(long)]
    pub attempted: bool,
}

impl Filters {
    pub(crate) fn is_empty(&self) -> bool {
        self.kind.is_none() && self.pattern.is_none() && !self.attempted
    }
}

#[derive(Args)]
pub(crate) struct LsArgs {
    pub queue: String,
    #[arg(value_parser = ["scheduled", "ready", "blocked", "claimed", "done", "dead"])]
    pub state: String,
    #[command(flatten)]
    pub filters: Filters,
    /// Only tasks that this worker has claimed
    #[arg(long)]
    pub worker: Option<String>,
    /// How many to show
    #[arg(short = 'n', long, default_value = "100", conflicts_with = "all")]
    pub limit: usize,
    /// Show all of them
    #[arg(long)]
    pub all: bool,
    /// In reverse order: the last one first
    #[arg(long)]
    pub rev: bool,
    /// Show their payloads and results
    #[arg(long)]
    pub payloads: bool,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    pub queue: String,
    pub id: String,
    /// Print only this field, byte for byte
    #[arg(long, value_name = "NAME")]
    pub field: Option<String>,
}

#[derive(Args)]
pub(crate) struct StatsArgs {
    pub queue: Option<String>,
    /// Show the numbers of each kind of its tasks
    #[arg(long, requires = "queue")]
    pub kinds: bool,
    /// Repeat until interrupted
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration)]
    pub watch: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct SignalArgs {
    pub service: String,
    /// quiet and stop: no more tasks; none clears it
    pub word: String,
    /// The members
    #[arg(value_name = "MEMBER", required_unless_present = "all", conflicts_with = "all")]
    pub members: Vec<String>,
    /// All members
    #[arg(long)]
    pub all: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(crate) struct EventsArgs {
    /// The queue, or with --service the service
    pub name: String,
    /// The name is that of a service: show the events of its members
    #[arg(long)]
    pub service: bool,
    /// Follow new events until interrupted
    #[arg(short, long)]
    pub follow: bool,
    /// How many of the latest events to show
    #[arg(short = 'n', long, default_value = "20")]
    pub limit: usize,
}
