//! The command line of `steward lead`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{duration, ttl};

#[derive(Args)]
pub(crate) struct LeadArgs {
    /// The service to lead
    pub service: String,
    /// After how long without a heartbeat another may lead
    #[arg(long, env = "STEWARD_TTL", value_parser = ttl, default_value = "15s")]
    pub ttl: Duration,
    /// How long the program may take to end after TERM
    #[arg(long, env = "STEWARD_GRACE", value_parser = duration, default_value = "25s")]
    pub grace: Duration,
    /// What the program gets when the lead cannot be confirmed in time: TERM and then KILL, or KILL
    #[arg(long, env = "STEWARD_ON_LOST", value_enum, default_value = "term")]
    pub on_lost: OnLost,
    /// How the next one takes over when steward is killed: steady waits until its program is gone too, fast does not
    #[arg(long, env = "STEWARD_TAKEOVER", value_enum, default_value = "steady")]
    pub takeover: Takeover,
    /// End at once when another leads
    #[arg(long = "try", env = "STEWARD_TRY")]
    pub once: bool,
    /// Exit code of --try when another leads
    #[arg(short = 'E', long, value_name = "CODE", env = "STEWARD_TRY_CODE", default_value_t = crate::failure::TEMPORARY)]
    pub try_code: u8,
    /// Tell systemd that the service is ready only once it leads
    #[arg(long, env = "STEWARD_READY_WHEN_LEADING")]
    pub ready_when_leading: bool,
    /// Name of this member [default: host-pid]
    #[arg(long, value_name = "NAME", env = "STEWARD_MEMBER")]
    pub member: Option<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLost {
    Term,
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Takeover {
    Steady,
    Fast,
}
