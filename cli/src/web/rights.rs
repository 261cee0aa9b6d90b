//! What a user may change. No user of the manual may ask the server that, so each command is tried in a way in which it
//! changes nothing: with an id that cannot be, or a word that it does not take. The server checks the rights first.

use redis::{Cmd, cmd};

/// No task, member or recurring task can have it.
const NOBODY: &str = "\u{1}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Bury,
    Cancel,
    Config,
    Drop,
    Edit,
    Evict,
    Pause,
    Purge,
    Reschedule,
    Retry,
    Schedule,
    Signal,
    Trigger,
    Unclaim,
    Unrepeat,
}

impl Right {
    pub(super) const ALL: [Right; 15] = [
        Right::Bury,
        Right::Cancel,
        Right::Config,
        Right::Drop,
        Right::Edit,
        Right::Evict,
        Right::Pause,
        Right::Purge,
        Right::Reschedule,
        Right::Retry,
        Right::Schedule,
        Right::Signal,
        Right::Trigger,
        Right::Unclaim,
        Right::Unrepeat,
    ];

    pub(super) fn probe(self, name: &str) -> Cmd {
        let words: &[&str] = match self {
            Right::Bury => &["TASK.BURY", name, NOBODY],
            Right::Cancel => &["TASK.CANCEL", name, NOBODY],
            Right::Config => &["TASK.CONFIG", "SET", name, "?", "?"],
            Right::Drop => &["TASK.DROP", name, "?"],
            Right::Edit => &["TASK.EDIT", name, NOBODY, "PAYLOAD", ""],
            Right::Evict => &["PID.EVICT", name, NOBODY],
            Right::Pause => &["TASK.PAUSE", name, "FOR", "?"],
            Right::Purge => &["TASK.PURGE", name, "dead", "?"],
            Right::Reschedule => &["TASK.RESCHEDULE", name, NOBODY, "DELAY", "?"],
            Right::Retry => &["TASK.RETRY", name, NOBODY],
            Right::Schedule => &["TASK.SCHEDULE", name, "", "DELAY", "?"],
            Right::Signal => &["HB.SIGNAL", name, NOBODY, "?"],
            Right::Trigger => &["TASK.TRIGGER", name, NOBODY],
            Right::Unclaim => &["TASK.UNCLAIM", name, NOBODY],
            Right::Unrepeat => &["TASK.UNREPEAT", name, NOBODY],
        };
        let mut command = cmd(words.first().copied().unwrap_or_default());
        command.arg(words.get(1..).unwrap_or_default());
        command
    }
}
