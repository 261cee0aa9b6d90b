//! `steward`: runs any program for each task of a queue, or only while it leads, once over all hosts; shows and changes
//! what is on the server; starts servers for tests.
//!
//! - `args.rs` `settings.rs`: the command line, and the file and the environment that stand in for it
//! - `connect/`: addresses, connections, members
//! - `guardian/`: the process that parents a program and ends it, whatever becomes of us. Linux only
//! - `verbs/` `output/`: what people and scripts ask and change, and how it is shown
//! - `cron/`: recurring tasks as a file defines them
//! - `doctor/` `metrics/`: what is wrong with a server; what it counts, for monitoring
//! - `watch.rs` `web/` `top/`: the queues as they change; the same in a browser, and in a terminal
//! - `http.rs`: the server of `web` and `metrics`
//! - `work/` `lead/` `leader.rs` `fenced.rs` `dev.rs`: the subcommands

mod args;
mod connect;
mod cron;
mod dev;
mod doctor;
mod failure;
mod fenced;
#[cfg(target_os = "linux")]
mod guardian;
mod help;
mod http;
#[cfg(target_os = "linux")]
mod lead;
mod leader;
mod metrics;
#[cfg(target_os = "linux")]
mod notify;
mod output;
mod process;
mod program;
mod settings;
mod signals;
mod top;
mod verbs;
mod watch;
mod web;
#[cfg(target_os = "linux")]
mod work;

use std::process::ExitCode;

use args::Action;
use failure::{Failure, say};

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        let mut words = std::env::args_os().skip(1);
        if words.next().is_some_and(|word| word == guardian::SUBCOMMAND) {
            return guardian::main(words);
        }
    }
    match settings::read().and_then(|given| run(&given.common, given.action)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.text.is_empty() {
                say(&failure);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(common: &args::Common, action: Action) -> Result<u8, Failure> {
    match action {
        #[cfg(target_os = "linux")]
        Action::Lead(args) => lead::run(&common.connector()?, args),
        #[cfg(not(target_os = "linux"))]
        Action::Lead(_) => Err(Failure::unavailable("lead runs on Linux only")),
        #[cfg(target_os = "linux")]
        Action::Work(args) => work::run(common, args),
        #[cfg(target_os = "linux")]
        Action::Progress { value } => work::progress(common, &value),
        #[cfg(not(target_os = "linux"))]
        Action::Work(_) | Action::Progress { .. } => Err(Failure::unavailable("work runs on Linux only")),
        Action::Leader { service } => leader::leader(common, &service),
        Action::Pid { service, member } => leader::pid(common, &service, member.as_deref()),
        Action::Fenced(args) => fenced::run(&common.connector()?, &args),
        Action::Dev(args) => dev::run(args, common.output),
        Action::Web(args) => web::run(common, args),
        Action::Top(args) => top::run(common, &args),
        Action::Verb(verb) => verbs::run(common, verb),
        Action::Completions { shell } => help::completions(shell),
        Action::Man { dir } => help::man(&dir),
    }
}
