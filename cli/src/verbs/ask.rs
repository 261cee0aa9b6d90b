//! Questions before what cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Asks whether to do this, as in `retry 12 tasks of mail`; says what to add where nobody can be asked.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    let (input, mut error) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !error.is_terminal() {
        return Err(Failure::usage(format!(
            "would {what}: add --yes to do so without being asked"
        )));
    }
    let _ = write!(error, "{what}? [y/N] ").and_then(|()| error.flush());
    let mut answer = String::new();
    let read = input.lock().read_line(&mut answer);
    read.map_err(|error| Failure::unavailable(format!("standard input: {error}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
