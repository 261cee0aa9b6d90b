//! TASK.PAUSE and TASK.RESUME: no claims for a while; all else goes on.

use std::rc::Rc;

use crate::command::{Access, Arg, Args, Keys, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Name;
use crate::reply::Reply;
use crate::settings::{PAUSED, UNTIL_RESUMED};
use crate::task;
use crate::task::dispatch::serve;
use crate::time::MAX_DELAY;
use crate::tx::{Command, Response, Tx};

/// TASK.PAUSE.
pub(crate) struct Pause;

impl Command for Pause {
    const SPEC: Spec = Spec {
        name: "TASK.PAUSE",
        summary: "Stops claims from a queue, for a time or until RESUME. Waiting claimers stay.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE, Arg::duration("FOR", 1, MAX_DELAY)],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let mut settings = task::settings(queue)?;
        let until = args.int("FOR").map(|ms| queue.context.wall.after(ms));
        let text = until.map_or(UNTIL_RESUMED.to_string(), |until| until.0.to_string());
        queue.keys.hset(queue.name.queue(), &[(PAUSED.as_bytes(), text.as_bytes())])?;
        Rc::make_mut(&mut settings).paused = Some(until.map_or(i64::MAX, |until| until.0));
        queue.memory().settings = Some(settings);
        if let Some(until) = until {
            queue.state.wakeups.at_wall(&name, until);
        }
        Ok(Reply::OK.into())
    }
}

/// TASK.RESUME.
pub(crate) struct Resume;

impl Command for Resume {
    const SPEC: Spec = Spec {
        name: "TASK.RESUME",
        summary: "Ends a pause.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[Arg::QUEUE],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        end(queue)?;
        serve::serve(queue);
        Ok(Reply::OK.into())
    }
}

/// Ends a pause, if there is one.
pub(crate) fn end(queue: &mut Queue<'_>) -> Result<(), Error> {
    let mut settings = task::settings(queue)?;
    if queue.settings.paused.is_some() {
        Rc::make_mut(&mut settings).paused = None;
        queue.keys.hdel(queue.name.queue(), &[PAUSED.as_bytes()])?;
        queue.memory().settings = Some(settings);
    }
    Ok(())
}
