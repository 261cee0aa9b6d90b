//! The command line.

use crate::Result;
use std::path::PathBuf;

const USAGE: &str = "steward-bench [budget] --module FILE [--only SECTION] [--rounds N] [--quick] [--baseline FILE]";

/// What to measure.
pub struct Options {
    /// The module, as an absolute path.
    pub module: PathBuf,
    /// Another build of the module to compare with.
    pub baseline: Option<PathBuf>,
    /// Small numbers of tasks, to try the program.
    pub quick: bool,
    only: Option<String>,
    rounds: Option<usize>,
}

impl Options {
    /// Reads the arguments; `sections` are the names `--only` takes.
    pub fn parse(mut args: impl Iterator<Item = String>, sections: &[&str]) -> Result<Options> {
        let (mut module, mut baseline, mut quick, mut only, mut rounds) = (None, None, false, None, None);
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("{arg} wants a value; usage: {USAGE}"))
            };
            match arg.as_str() {
                "--module" => module = Some(PathBuf::from(value()?)),
                "--baseline" => baseline = Some(absolute(PathBuf::from(value()?))?),
                "--only" => only = Some(value()?),
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds must be a number from 1")?),
                "--quick" => quick = true,
                other => return Err(format!("unknown argument {other}; usage: {USAGE}").into()),
            }
        }
        if only.as_deref().is_some_and(|name| !sections.contains(&name)) {
            return Err(format!("--only must be one of {}", sections.join(", ")).into());
        }
        if rounds == Some(0) {
            return Err("--rounds must be a number from 1".into());
        }
        let module = module.ok_or_else(|| format!("usage: {USAGE}"))?;
        if module.as_os_str().is_empty() {
            return Err("the release module is not built: make build".into());
        }
        let module = absolute(module)?;
        Ok(Options {
            module,
            baseline,
            quick,
            only,
            rounds,
        })
    }

    /// Whether this section is to run.
    pub fn wants(&self, section: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == section)
    }

    /// The rounds of a section that by default has `usual`.
    pub fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { usual })
    }

    /// A number of tasks, less with `--quick`.
    pub fn tasks(&self, usual: usize) -> usize {
        if self.quick { usual.div_ceil(20) } else { usual }
    }
}

/// The path of a file that is there; the server runs in another folder.
fn absolute(file: PathBuf) -> Result<PathBuf> {
    let found = file.canonicalize();
    Ok(found.map_err(|error| format!("{}: {error}", file.display()))?)
}
