//! What is given: the command line, before the environment, before the settings file, before the defaults.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use toml::{Table, Value};

use crate::args::Given;
use crate::connect::address::Address;
use crate::failure::{Failure, USAGE};
use crate::output::text;

/// Reads it all. A failure without text has been told already.
pub(crate) fn read() -> Result<Given, Failure> {
    let first = parse(Given::command())?;
    let file = match first.get_one::<PathBuf>("settings") {
        Some(path) => Some(path.clone()),
        None => places().into_iter().find(|path| path.exists()),
    };
    let matches = match file {
        Some(path) => parse(with_defaults(Given::command(), &table(&path)?, &path)?)?,
        None => first,
    };
    refuse_password(&matches)?;
    Given::from_arg_matches(&matches).map_err(|error| told(&error))
}

fn parse(command: Command) -> Result<ArgMatches, Failure> {
    command.try_get_matches().map_err(|error| told(&error))
}

/// Shows help as it is. An error becomes one line: clap's own words, without the usage.
fn told(error: &clap::Error) -> Failure {
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !error.use_stderr() {
        let _ = error.print();
        return Failure::new(if is_help { USAGE } else { 0 }, "");
    }
    let text = error.render().to_string();
    let parts = text
        .split("\n\n")
        .filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more"));
    let lines = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let line = lines.collect::<Vec<_>>().join("; ");
    let line = text::printable(line.trim_start_matches("error: ").as_bytes());
    Failure::usage(format!("{line}: see --help"))
}

fn places() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let own = config.map(|config| config.join("steward.toml"));
    own.into_iter().chain([PathBuf::from("/etc/steward.toml")]).collect()
}

fn table(path: &Path) -> Result<Table, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::config(format!("{shown}: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| {
        // Its own message would show the line, in which a password may be.
        let line = error
            .span()
            .and_then(|span| Some(text.get(..span.start)?.lines().count().max(1)));
        Failure::config(format!("{shown}: line {}: {}", line.unwrap_or(1), error.message()))
    })
}

/// Makes the values of the file defaults: those outside of tables for all subcommands, the others for one.
fn with_defaults(mut command: Command, table: &Table, path: &Path) -> Result<Command, Failure> {
    for (key, value) in table {
        command = match value {
            Value::Table(section) if command.find_subcommand(key).is_some() => {
                let mut sub = command.find_subcommand(key).cloned().unwrap_or_default();
                for (key, value) in section {
                    sub = with_default(sub, key, value, path)?;
                }
                command.mut_subcommand(key, move |_| sub)
            }
            value => with_default(command, key, value, path)?,
        };
    }
    Ok(command)
}

fn with_default(command: Command, key: &str, value: &Value, path: &Path) -> Result<Command, Failure> {
    let found = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(key) && key != "settings");
    let Some(id) = found.map(|arg| arg.get_id().clone()) else {
        return Err(Failure::config(format!(
            "{}: {key:?} is no setting: see --help",
            path.display()
        )));
    };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        _ => {
            return Err(Failure::config(format!(
                "{}: {key} must be a text, a number or true",
                path.display()
            )));
        }
    };
    Ok(command.mut_arg(id, |arg| arg.default_value(text)))
}

/// The command line is seen by all users of this host.
fn refuse_password(matches: &ArgMatches) -> Result<(), Failure> {
    let mut matches = Some(matches);
    while let Some(level) = matches {
        let is_typed = level.value_source("url") == Some(ValueSource::CommandLine);
        let url = level.get_one::<String>("url").filter(|_| is_typed);
        if url.is_some_and(|url| Address::parse(url).map_or(url.contains('@'), |address| address.password.is_some())) {
            return Err(Failure::usage(
                "--url has a password, which everybody sees in ps: use REDIS_URL or --password-file",
            ));
        }
        matches = level.subcommand().map(|(_, matches)| matches);
    }
    Ok(())
}
