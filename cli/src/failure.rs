//! How steward itself ends when something is wrong: one line that says what to do, and a code of sysexits.

use std::fmt;

/// What was asked for is not there, or is not so.
pub(crate) const NOT_SO: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 64;
/// A file that is named cannot be read.
pub(crate) const NO_INPUT: u8 = 66;
/// The server cannot be reached, or does not do what is asked.
pub(crate) const UNAVAILABLE: u8 = 69;
/// The settings, the password or the version are wrong.
pub(crate) const CONFIG: u8 = 78;
/// Another leads, or the lead was lost: try again later.
pub(crate) const TEMPORARY: u8 = 75;

/// A reason to end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub code: u8,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Failure {
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure {
            code,
            text: text.into(),
        }
    }

    /// The same, when so many tasks had been changed.
    pub(crate) fn after(self, tasks: usize) -> Failure {
        Failure::new(self.code, format!("after {tasks} tasks: {}", self.text))
    }

    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure::new(USAGE, text)
    }

    pub(crate) fn unavailable(text: impl Into<String>) -> Failure {
        Failure::new(UNAVAILABLE, text)
    }

    pub(crate) fn config(text: impl Into<String>) -> Failure {
        Failure::new(CONFIG, text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Says something on standard error. A standard error that is closed is no reason to end.
pub(crate) fn say(text: impl fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "steward: {text}");
}
