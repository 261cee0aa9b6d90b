//! Every error a command can answer: one variant a cause, each with its code and text.

use std::fmt;

/// What may be refused.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command was refused. The code (first word of the text) is part of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// An argument is out of range, unknown, given twice or contradicts another.
    BadArg(String),
    /// A name or an id is not allowed.
    BadName(String),
    /// The id is taken by an existing task; contains the state of that task.
    Duplicate(String, &'static str),
    /// There is no such task, or no more.
    NoTask,
    /// The task does not do what it must for this call; contains the state it is in.
    NotIn(&'static str, &'static str),
    /// There is no such recurring task, or no more.
    NoRepeat(String),
    /// The task of this id is not one that AFTER can wait for; contains the state it is in.
    NoParent(String, &'static str),
    /// The token is not that of the current claim; contains what the task is now.
    Stale(&'static str),
    /// The claimed task was cancelled.
    Cancelled,
    /// The named value, such as the payload, is larger than `steward.max-payload`; contains that limit, in bytes.
    TooBig(&'static str, usize),
    /// The queue cannot be dropped: so many tasks are claimed.
    BusyQueue(usize),
    /// The queue cannot be dropped: so many earlier drops are not swept yet.
    ManyDrops(usize),
    /// The service cannot be dropped: it has so many members.
    BusyService(usize),
    /// There is no such member, or no more, in this service; which may say where that was set.
    NoMember(String, String),
    /// Not the current epoch, or not the member's token; contains the leader and its epoch.
    Fenced {
        /// The current epoch; 0 without a leader.
        epoch: u64,
        /// The current leader; empty if there is none.
        leader: String,
        /// Whether the member has a token, and none was given.
        lacks_token: bool,
    },
    /// The queue would have more tasks that have not ended than its `max-length`; contains that limit.
    QueueFull(usize),
    /// The service has as many members as `steward.max-members`; contains that limit.
    ServiceFull(i64),
    /// Memory is full, and this is something new.
    OutOfMemory,
    /// A key of ours has another type.
    WrongType,
    /// A record under our keys is not one of ours, or of a later version.
    Foreign,
    /// The slot of the name is being moved or is not here.
    TryAgain,
    /// The caller has no permission; contains the server's message.
    NoPermission(String),
    /// Effects came from a client.
    NotForClients,
    /// A write of ours came from a primary or a file, where only effects may come from.
    OnlyEffects,
    /// Effects that came from a primary or a file cannot be read; contains why.
    Unreadable(&'static str),
    /// A caught panic: a bug in the module.
    Internal,
}

/// The explanation of each code, for the table in docs/reference/errors.md.
#[cfg(test)]
pub(crate) const CODES: &[(&str, &str, &str)] = &[
    (
        "BADARG",
        "an argument is out of range, unknown, given twice or contradicts another: names it and the range",
        "fix the call",
    ),
    ("BADNAME", "a name or id that is not allowed", "fix the call"),
    (
        "DUPLICATE <state> <id>",
        "a task of this ID has another payload or did not succeed, or the UNIQUE key is held by this one; `unknown` if that is gone and the key held FOR a time",
        "choose another ID, or wait",
    ),
    ("NOTASK", "no such task (any more)", "take a repeated ACK as done"),
    (
        "STALE",
        "the token holds no claim: it was lost, or never existed; says which state the task is in now",
        "drop the work",
    ),
    (
        "CANCELLED",
        "the claimed task was cancelled",
        "stop, then ACK or RELEASE",
    ),
    (
        "TOOBIG",
        "a payload, result or progress exceeds `steward.max-payload`",
        "shrink it",
    ),
    (
        "QUEUEFULL",
        "the queue has as many tasks as its `max-length`",
        "slow down",
    ),
    (
        "SERVICEFULL",
        "the service has as many members as `steward.max-members`",
        "register again when one has left",
    ),
    (
        "BUSYQUEUE",
        "TASK.DROP while tasks are claimed, or while the tasks of 32 earlier drops are still being removed",
        "wait; FORCE, in the first case",
    ),
    (
        "BUSYSERVICE",
        "PID.DROP of a service with members",
        "evict them, or FORCE",
    ),
    (
        "NOMEMBER",
        "the member is unknown or dead: names it and the service",
        "register again",
    ),
    (
        "FENCED epoch=<now> leader=<member>",
        "the epoch is not the current leader's, or the token is not the member's; with `TOKEN is missing:` before `epoch`, no token was given",
        "stop acting",
    ),
    (
        "WRONGTYPE",
        "one of the module's keys holds another type",
        "repair or delete that key",
    ),
    ("TRYAGAIN", "the slot of the name is being moved", "try again soon"),
    (
        "OOM READONLY NOREPLICAS MISCONF NOPERM MOVED LOADING",
        "as in Redis",
        "as in Redis",
    ),
];

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::BadArg(why) => write!(f, "BADARG {why}"),
            Error::BadName(why) => write!(f, "BADNAME {why}"),
            Error::Duplicate(id, now) => write!(f, "DUPLICATE {now} {id}"),
            Error::NoTask => f.write_str("NOTASK no such task"),
            Error::NotIn(wanted, now) => write!(f, "NOTASK not a task that {wanted}: it is {now}"),
            Error::NoRepeat(name) => write!(f, "NOTASK no recurring task {name}"),
            Error::NoParent(id, now) => write!(f, "NOTASK no task that AFTER can wait for: {id} is {now}"),
            Error::Stale(now) => write!(f, "STALE this token holds no claim: the task is now {now}"),
            Error::Cancelled => f.write_str("CANCELLED the task was cancelled: stop, then ACK or RELEASE it"),
            Error::TooBig(what, max) => write!(
                f,
                "TOOBIG {what} is larger than steward.max-payload: at most {max} bytes"
            ),
            Error::BusyQueue(claimed) => write!(f, "BUSYQUEUE tasks are claimed, {claimed} in all: wait, or use FORCE"),
            Error::ManyDrops(drops) => write!(
                f,
                "BUSYQUEUE the tasks of {drops} earlier drops are still being removed: try again later"
            ),
            Error::BusyService(members) => {
                write!(
                    f,
                    "BUSYSERVICE members are registered, {members} in all: evict them, or use FORCE"
                )
            }
            Error::NoMember(member, service) => write!(f, "NOMEMBER no member {member} in service {service}"),
            Error::Fenced {
                epoch,
                leader,
                lacks_token,
            } => {
                let why = if *lacks_token { "TOKEN is missing: " } else { "" };
                write!(f, "FENCED {why}epoch={epoch} leader={leader}")
            }
            Error::QueueFull(max) => write!(
                f,
                "QUEUEFULL the queue would exceed its max-length of {max} tasks that wait, are claimed or blocked"
            ),
            Error::ServiceFull(max) => write!(
                f,
                "SERVICEFULL the service has reached steward.max-members, {max} members"
            ),
            Error::OutOfMemory => f.write_str("OOM command not allowed when used memory > 'maxmemory'."),
            Error::WrongType => f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value"),
            Error::Foreign => {
                f.write_str("ERR the record of this task was not written by this version of steward and is left alone")
            }
            Error::TryAgain => f.write_str("TRYAGAIN the slot of this name is being moved, or is not served here"),
            Error::NoPermission(why) => write!(f, "NOPERM {why}"),
            Error::NotForClients => {
                f.write_str("ERR steward carries effects from a primary or an append-only file and is not for clients")
            }
            Error::OnlyEffects => {
                f.write_str("ERR a primary or an append-only file may send no command of this module but steward")
            }
            Error::Unreadable(why) => write!(f, "ERR steward cannot read these effects: {why}"),
            Error::Internal => f.write_str("ERR internal error of steward, see the server log"),
        }
    }
}
