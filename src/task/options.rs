//! The options of a task: the arguments of SCHEDULE, MSCHEDULE and REPEAT, what is stored of them, and which flags of
//! the header they set. GET shows them (`render`).
//!
//! The fields of the hash `task:{q}:x:<id>` beside a task, which exists only if there is anything to store: its
//! options, the last error, the progress, the result.

use serde::{Deserialize, Serialize};

use crate::backoff::{Backoff, BackoffArgs};
use crate::command::{Arg, MAX_COUNT, Repeated, Typed, arguments};
use crate::config::MAX_ATTEMPTS;
use crate::context::Context;
use crate::keyspace::Keyspace;
use crate::names::Name;
use crate::task::header;
use crate::time::{MAX_DELAY, MAX_LEASE, MAX_UNIX_MS, MIN_UNIX_MS, Ms, Wall};

/// Field of the options, JSON.
pub(crate) const OPTIONS: &[u8] = b"options";
/// Field of the last error's text.
pub(crate) const ERROR: &[u8] = b"error";
/// Field of the progress, as EXTEND gave it.
pub(crate) const PROGRESS: &[u8] = b"progress";
/// Field of the result, as ACK gave it.
pub(crate) const RESULT: &[u8] = b"result";
/// Field of the number of ends a blocked task waits for.
pub(crate) const WAITS: &[u8] = b"waits";
/// Longest error kept, bytes.
const LONGEST_ERROR: usize = 4_096;

pub(crate) const PAYLOAD: Typed<&[u8]> = Arg::bytes("payload").means("what the worker gets");
pub(crate) const WHEN: Typed<Option<When>> = Arg::one_of("when");
pub(crate) const KIND: Typed<Option<&str>> =
    Arg::option("KIND", Arg::text("kind")).means("what sort of work it is: CLAIM shows it, STATS counts by it");
pub(crate) const PRIORITY: Typed<Option<u8>> =
    Arg::option("PRIORITY", Arg::int("priority", 0, 9, "")).means("from 0, the most urgent, to 9; 5 for a new task");
pub(crate) const LEASE: Typed<Option<Ms>> =
    Arg::duration("LEASE", 1, MAX_LEASE).means("how long a claim lasts; by default the queue's setting");
pub(crate) const AFTER: Typed<Option<AfterArgs<'static>>> =
    Arg::group("AFTER", "after").means("blocked until all of these tasks are acknowledged");

arguments! {
    /// When a task is due.
    pub(crate) enum When {
        Delay(ms: Ms) = Arg::duration("DELAY", 0, MAX_DELAY).means("due after this time"),
        At(at: Ms) = Arg::option("AT", Arg::int("unix-ms", MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds"))
            .means("due at this moment"),
    }
}

arguments! {
    /// How a task runs.
    pub(crate) struct RunOptions<'a> {
        kind: Option<&'a str> = KIND,
        priority: Option<u8> = PRIORITY,
        attempts: Option<u64> = Arg::option("ATTEMPTS", Arg::int("n", 1, MAX_ATTEMPTS, ""))
            .means("how often it is tried at most; by default the queue's setting"),
        backoff: Option<BackoffArgs<'a>> = Arg::group("BACKOFF", "backoff")
            .means("the wait before the next attempt: always base-ms, or twice as long each time; by default the queue's setting"),
        lease: Option<Ms> = LEASE,
        expire: Option<Ms> = Arg::duration("EXPIRE", 1, MAX_DELAY)
            .means("dropped unless it is claimed within this time of becoming ready"),
        retain: Option<Ms> = Arg::duration("RETAIN", 0, MAX_DELAY)
            .means("how long it is kept when it is done; by default the queue's setting"),
    }
}

arguments! {
    /// Its group, who may claim it, and the queue that is told of its end.
    pub(crate) struct RouteOptions<'a> {
        group: Option<&'a str> = Arg::option("GROUP", Arg::text("key"))
            .means("the tasks of a group run one at a time, in order"),
        to: Option<ToArgs<'a>> = Arg::group("TO", "to")
            .means("only this worker may claim it, until its membership ends"),
        reply: Option<ReplyArgs<'a>> = Arg::group("REPLY", "reply")
            .means("the queue, of the same slot, that gets a task that says how this one ended"),
    }
}

arguments! {
    /// The queue that is told of its end.
    pub(crate) struct ReplyArgs<'a> {
        queue: &'a str = Arg::text("reply-queue"),
        on: Option<&'a str> = Arg::option("ON", Arg::words("on", &["DEAD"])).means("only if it dies"),
    }
}

arguments! {
    /// The only worker that may claim it.
    pub(crate) struct ToArgs<'a> {
        worker: &'a str = Arg::text("worker"),
        now: bool = Arg::flag("NOW").means("refused if that worker is not a member now"),
    }
}

arguments! {
    /// The options of a recurring task for its occurrences: those of SCHEDULE except the ones about a single task (ID,
    /// DELAY, AT, UNIQUE, AFTER).
    pub(crate) struct OccurrenceOptions<'a> {
        run: RunOptions<'a> = Arg::shared(),
        route: RouteOptions<'a> = Arg::shared(),
    }
}

arguments! {
    /// The unique key.
    pub(crate) struct UniqueArgs<'a> {
        key: &'a str = Arg::text("key"),
        hold: Option<Hold<'a>> = Arg::one_of("hold"),
        replace: Option<ReplaceArgs> = Arg::group("REPLACE", "replace")
            .means("overwrites a holder of the key that is not claimed yet"),
    }
}

arguments! {
    /// How long a unique key is taken, if not until the task ends.
    pub(crate) enum Hold<'a> {
        For(time: Ms) = Arg::duration("FOR", 1, MAX_DELAY)
            .means("the key is held for this time, whatever becomes of the task"),
        Until(end: &'a str) = Arg::option("UNTIL", Arg::words("end", &["CLAIM"]))
            .means("the key is held until the task is claimed"),
    }
}

arguments! {
    /// How the task that has the key is replaced.
    pub(crate) struct ReplaceArgs {
        keep: bool = Arg::flag("KEEP").means("leaves the due time of the task that is overwritten"),
    }
}

arguments! {
    /// The tasks to wait for.
    pub(crate) struct AfterArgs<'a> {
        ids: Vec<&'a str> = Arg::counted_or_none("numids", MAX_COUNT, &Arg::ID),
        others: Repeated<InArgs<'a>> = Arg::repeated("IN", "in")
            .means("and these of another queue, of the same slot"),
        missing_ok: bool = Arg::flag("MISSINGOK")
            .means("ids that are not there count as acknowledged; otherwise they are an error"),
        on_fail: Option<&'a str> = Arg::option("ONFAIL", Arg::words("onfail", &["CANCEL", "RUN", "WAIT"]))
            .means("what happens to it when one of them does not succeed: CANCEL (the default): it is cancelled; RUN: it runs all the same; WAIT: it waits for the RETRY of a dead one"),
    }
}

arguments! {
    /// Tasks of another queue to wait for.
    pub(crate) struct InArgs<'a> {
        queue: &'a str = Arg::text("parent-queue"),
        ids: Vec<&'a str> = Arg::counted("numids", MAX_COUNT, &Arg::ID),
    }
}

arguments! {
    /// What a task that comes from elsewhere has behind it.
    pub(crate) struct UsedArgs<'a> {
        attempts: u64 = Arg::int("n", 0, MAX_ATTEMPTS, ""),
        dead: Option<&'a [u8]> = Arg::option("DEAD", Arg::bytes("error"))
            .means("it is dead already, with this error; its death has no event and no REPLY"),
        created: Option<Ms> = Arg::option("CREATED", Arg::int("unix-ms", MIN_UNIX_MS, MAX_UNIX_MS, "unix ms, not seconds"))
            .means("when it was created there"),
    }
}

impl When {
    /// The wall moment it stands for.
    pub(crate) fn due(&self, context: &Context) -> Wall {
        match self {
            When::Delay(ms) => context.wall.after(*ms),
            When::At(at) => Wall(*at),
        }
    }
}

impl AfterArgs<'_> {
    /// How many ids there are, of all queues.
    pub(crate) fn len(&self) -> usize {
        self.ids.len() + self.others.0.iter().map(|other| other.ids.len()).sum::<usize>()
    }

    /// Whether the task runs even if one of those fails.
    pub(crate) fn runs_anyway(&self) -> bool {
        self.on_fail == Some("RUN")
    }

    /// Whether the task goes on waiting while one of those is dead.
    pub(crate) fn waits_for_retry(&self) -> bool {
        self.on_fail == Some("WAIT")
    }
}

/// The options of one task that differ from the queue's; stored as JSON so that any client can read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// Most runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// The wait between attempts, as `Backoff` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<String>,
    /// How long a claim lasts, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Ms>,
    /// How long after becoming ready it is dropped unless claimed, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<Ms>,
    /// The key that no other task may have at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<String>,
    /// How long the key stays taken, whatever becomes of the task, ms; by default until the task ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_for: Option<Ms>,
    /// The key is free once the task was claimed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique_until_claim: bool,
    /// The group it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The only worker that may claim it, as long as the header says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The tasks it comes after that had not ended when it was scheduled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The same of other queues: the name of each, and ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_in: Vec<(String, Vec<String>)>,
    /// Whether it runs even if one of those does not succeed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onfail_run: bool,
    /// Whether it goes on waiting while one of those is dead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onfail_wait: bool,
    /// How long it is retained when it is done, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<Ms>,
    /// Its kind, if the queue has too many to give each a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The queue that is told of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// It is told only when the task dies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reply_on_dead: bool,
    /// The dead task of which it is a copy: its queue and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<(String, String)>,
}

impl Options {
    /// No options: the queue's settings apply.
    pub(crate) const NONE: Options = Options {
        attempts: None,
        backoff: None,
        lease: None,
        expire: None,
        unique: None,
        unique_for: None,
        unique_until_claim: false,
        group: None,
        to: None,
        after: Vec::new(),
        after_in: Vec::new(),
        onfail_run: false,
        onfail_wait: false,
        retain: None,
        kind: None,
        reply: None,
        reply_on_dead: false,
        origin: None,
    };

    /// From the options that SCHEDULE, MSCHEDULE and REPEAT share.
    pub(crate) fn asked(run: &RunOptions<'_>, route: &RouteOptions<'_>) -> Options {
        let owned = |text: Option<&str>| text.map(str::to_string);
        Options {
            attempts: run.attempts,
            backoff: run.backoff.as_ref().map(|rule| Backoff::from_args(rule).to_string()),
            lease: run.lease,
            expire: run.expire,
            retain: run.retain,
            kind: owned(run.kind),
            group: owned(route.group),
            to: owned(route.to.as_ref().map(|to| to.worker)),
            reply: owned(route.reply.as_ref().map(|reply| reply.queue)),
            reply_on_dead: route.reply.as_ref().is_some_and(|reply| reply.on.is_some()),
            ..Options::NONE
        }
    }

    /// The flags of the header that these options set.
    pub(crate) fn flags(&self) -> u16 {
        let flags = [
            (self.expire.is_some(), header::EXPIRES),
            (self.unique.is_some(), header::UNIQUE),
            (self.retain.is_some(), header::RETAINED),
            (self.group.is_some(), header::GROUPED),
            (self.to.is_some(), header::TARGETED),
            (self.reply.is_some(), header::REPLIES),
        ];
        let asked = flags.into_iter().filter(|(asked, _)| *asked);
        asked.fold(0, |flags, (_, flag)| flags | flag)
    }

    /// How many tasks it comes after.
    pub(crate) fn parents(&self) -> usize {
        self.after.len() + self.after_in.iter().map(|(_, ids)| ids.len()).sum::<usize>()
    }

    /// Whether only the queue's settings apply.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Options::default()
    }
    /// As stored.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Numbers and text always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The options stored for a task; none if the hash is missing or was edited into nonsense.
pub(crate) fn read(keys: &mut dyn Keyspace, name: &Name, id: &[u8]) -> Options {
    match keys.hget(name.options(id), OPTIONS) {
        Ok(Some(json)) => serde_json::from_slice(&json).unwrap_or_default(),
        _ => Options::default(),
    }
}

/// An error's text as stored: its first 4,096 bytes.
pub(crate) fn cut(error: &[u8]) -> &[u8] {
    error.get(..LONGEST_ERROR).unwrap_or(error)
}
