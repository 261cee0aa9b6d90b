//! The command line.

mod lead;
mod work;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::connect::Connector;
use crate::connect::address::Address;
use crate::failure::Failure;
#[cfg_attr(not(target_os = "linux"), allow(unused_imports))]
pub(crate) use lead::{LeadArgs, OnLost, Takeover};
pub(crate) use work::WorkArgs;

/// Runs programs for tasks or while they lead; shows and changes tasks, members and leaders on a Redis or Valkey server with the module steward.
#[derive(Parser)]
#[command(name = "steward", version, arg_required_else_help = true)]
pub(crate) struct Given {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Args)]
pub(crate) struct Common {
    /// Address of the server: redis, rediss, unix, redis+sentinel or redis+cluster; give a password only in REDIS_URL
    #[arg(
        long,
        global = true,
        env = "REDIS_URL",
        hide_env_values = true,
        default_value = "redis://localhost"
    )]
    pub url: String,
    /// File with the password, in place of the one in the address
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// File with the certificate authorities that the server's certificate is checked against, in place of the system's
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_TLS_CA_FILE")]
    pub tls_ca_file: Option<PathBuf>,
    /// Format of the output: json is one object a line
    #[arg(
        short,
        long,
        global = true,
        env = "STEWARD_OUTPUT",
        value_enum,
        default_value = "text"
    )]
    pub output: Output,
    /// Settings file (TOML) [default: steward.toml in ~/.config or /etc]
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_SETTINGS")]
    pub settings: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Run a program while this host leads: on one host at a time (Linux)
    Lead(LeadArgs),
    /// Run a program for each task of one or more queues (Linux)
    Work(WorkArgs),
    /// Report how far the task is, from a program that `work` has started
    Progress {
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Show who leads
    Leader { service: String },
    /// Print the process id of the leader's program, or of a member's, if it runs on this host
    Pid { service: String, member: Option<String> },
    /// Run a Redis command only if the leader with this epoch still leads
    Fenced(FencedArgs),
    /// Start a fresh server with the module and run a program with its REDIS_URL
    Dev(DevArgs),
    /// Serve a dashboard: web pages that show what is on the server, and change it
    Web(crate::web::WebArgs),
    /// Show the queues and their numbers live in the terminal, as top does with processes
    Top(crate::top::TopArgs),
    #[command(flatten)]
    Verb(crate::verbs::Verb),
    /// Print the completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Write the manual pages into a directory
    Man { dir: PathBuf },
}

#[derive(Args)]
pub(crate) struct FencedArgs {
    pub service: String,
    /// The epoch, as in STEWARD_EPOCH of the program that leads
    pub epoch: u64,
    /// The Redis command and its arguments
    #[arg(last = true, required = true, value_name = "REDIS-COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct DevArgs {
    /// The port to listen on, at 127.0.0.1 [default: a free one]
    #[arg(long, env = "STEWARD_PORT")]
    pub port: Option<u16>,
    /// A directory for the data, which are kept there; without it no data are kept
    #[arg(long, env = "STEWARD_DIR")]
    pub dir: Option<PathBuf>,
    /// A file with more settings, as in redis.conf
    #[arg(long, value_name = "FILE", env = "STEWARD_CONF")]
    pub conf: Option<PathBuf>,
    /// The server to start [default: redis-server or valkey-server]
    #[arg(long, value_name = "PATH", env = "STEWARD_SERVER")]
    pub server: Option<PathBuf>,
    /// The module to load [default: beside this program, or where it is installed]
    #[arg(long, value_name = "PATH", env = "STEWARD_MODULE")]
    pub module: Option<PathBuf>,
    /// A program to run; without one the address is printed, and the server runs until you interrupt it
    #[arg(last = true, value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}

impl Common {
    /// How to connect.
    pub(crate) fn connector(&self) -> Result<Connector, Failure> {
        let mut address = Address::parse(&self.url)
            .map_err(|error| Failure::usage(format!("the address in --url or REDIS_URL {error}")))?;
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
        };
        if let Some(path) = &self.password_file {
            let password = String::from_utf8_lossy(&read(path)?).into_owned();
            address.password = Some(password.trim_end_matches(['\r', '\n']).to_string());
        }
        let authorities = self.tls_ca_file.as_ref().map(read).transpose()?;
        Ok(Connector::new(address, authorities))
    }

    /// The same for the programs that we start, whatever of it was given on the command line.
    pub(crate) fn variables(&self) -> Vec<(String, OsString)> {
        let files = [
            ("STEWARD_PASSWORD_FILE", &self.password_file),
            ("STEWARD_TLS_CA_FILE", &self.tls_ca_file),
        ];
        let files = files
            .into_iter()
            .filter_map(|(name, file)| Some((name, file.clone()?.into())));
        let url = [("REDIS_URL", self.url.clone().into())];
        let all = url.into_iter().chain(files);
        all.map(|(name, value)| (name.to_string(), value)).collect()
    }
}

/// A duration with a unit. A day has 24 hours.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::Span, _> = text.parse();
    let parsed = parsed.and_then(|parsed| parsed.to_duration(jiff::SpanRelativeTo::days_are_24_hours()));
    let parsed = parsed.ok().and_then(|parsed| Duration::try_from(parsed).ok());
    parsed.ok_or_else(|| "write a number and its unit, as in 500ms, 15s, 5m or 1h30m".into())
}

fn ttl(text: &str) -> Result<Duration, String> {
    let range = Duration::from_millis(500)..=Duration::from_secs(24 * 3600);
    let parsed = duration(text)?;
    if range.contains(&parsed) {
        Ok(parsed)
    } else {
        Err("from 500ms to 24h".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 24 * 3600)));
        for text in ["5", "", "-5s", "5 bananas", "s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(ttl("499ms").is_err() && ttl("500ms").is_ok() && ttl("25h").is_err());
    }

    #[test]
    fn what_runs_for_long_takes_each_option_from_the_environment_and_the_settings_file_too() {
        use clap::CommandFactory;
        let command = Given::command();
        for name in ["lead", "work"] {
            let sub = command.find_subcommand(name).unwrap();
            let options = sub.get_arguments().filter(|arg| !arg.is_positional());
            for option in options.filter(|option| option.get_id() != "help") {
                let variable = option.get_env().and_then(|name| name.to_str());
                assert!(
                    variable.is_some_and(|name| name.starts_with("STEWARD_")),
                    "{}",
                    option.get_id()
                );
                assert!(option.get_long().is_some(), "{}", option.get_id());
            }
        }
    }

    #[test]
    fn the_command_line_is_declared_without_contradictions() {
        use clap::CommandFactory;
        Given::command().debug_assert();
    }
}
