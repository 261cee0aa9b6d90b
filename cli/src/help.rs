//! `steward completions` and `steward man`: the command line, for shells and for readers.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Given;
use crate::failure::Failure;
use crate::output;

/// `steward completions SHELL`.
pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Given::command(), "steward", &mut script);
    output::line(String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// `steward man DIR`.
pub(crate) fn man(dir: &Path) -> Result<u8, Failure> {
    let written = clap_mangen::generate_to(Given::command(), dir);
    written.map_err(|error| Failure::usage(format!("{}: {error}", dir.display())))?;
    Ok(0)
}

#[cfg(test)]
mod tests;
