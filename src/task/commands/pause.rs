//! TASK.PAUSE and TASK.RESUME: no claims for a while; all else goes on.

use std::rc::Rc;

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Keys, QueueArgs, Spec, arguments};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Name;
use crate::reply::Reply;
use crate::settings::{PAUSED, UNTIL_RESUMED};
use crate::task;
use crate::task::dispatch::serve;
use crate::time::{MAX_DELAY, Ms};
use crate::tx::Tx;

arguments! {
    pub(crate) struct PauseArgs<'a> {
        queue: &'a [u8] = Arg::QUEUE,
        pause: Option<Ms> = Arg::duration("FOR", 1, MAX_DELAY),
    }
}

/// TASK.PAUSE.
pub(crate) struct Pause;

impl Command for Pause {
    type Args<'a> = PauseArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.PAUSE",
        summary: "Stops claims from a queue, for a time or until RESUME. Waiting claimers stay.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: PauseArgs::ARGS,
        reply: "OK",
    };

    fn run(args: &PauseArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        let mut settings = task::settings(tx, &name)?;
        let until = args.pause.map(|ms| tx.context.wall.after(ms));
        let text = until.map_or(UNTIL_RESUMED.to_string(), |until| until.0.to_string());
        tx.keys.hset(name.queue(), &[(PAUSED.as_bytes(), text.as_bytes())])?;
        Rc::make_mut(&mut settings).paused = Some(until.map_or(i64::MAX, |until| until.0));
        tx.state.queue(&name).settings = Some(settings);
        if let Some(until) = until {
            tx.state.wakeups.at_wall(&name, until);
        }
        Ok(Reply::OK.into())
    }
}

/// TASK.RESUME.
pub(crate) struct Resume;

impl Command for Resume {
    type Args<'a> = QueueArgs<'a>;
    const SPEC: Spec = Spec {
        name: "TASK.RESUME",
        summary: "Ends a pause.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: QueueArgs::ARGS,
        reply: "OK",
    };

    fn run(args: &QueueArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args.queue, caller)?;
        end(tx, &name)?;
        serve::serve(tx, &name);
        Ok(Reply::OK.into())
    }
}

/// Ends a pause, if there is one.
pub(crate) fn end(tx: &mut Tx<'_>, name: &Name) -> Result<(), Error> {
    let mut settings = task::settings(tx, name)?;
    if settings.paused.is_some() {
        Rc::make_mut(&mut settings).paused = None;
        tx.keys.hdel(name.queue(), &[PAUSED.as_bytes()])?;
        tx.state.queue(name).settings = Some(settings);
    }
    Ok(())
}
