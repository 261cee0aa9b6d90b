//! TASK.PAUSE and TASK.RESUME: no claims for a while; all else goes on.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, QueueArgs, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::reply::Reply;
use crate::settings::{PAUSED, UNTIL_RESUMED};
use crate::task::handle::Queue;
use crate::time::{MAX_DELAY, Ms};

arguments! {
    pub(crate) struct PauseArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        pause: Option<Ms> = Arg::duration("FOR", 1, MAX_DELAY).means("how long; by default until RESUME"),
    }
}

/// TASK.PAUSE.
pub(crate) struct Pause;

impl Command for Pause {
    type Args<'a> = PauseArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.PAUSE",
        summary: "Stops claims from a queue, FOR a time or until RESUME. Clients that wait for tasks keep waiting.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: PauseArgs::ARGS,
        reply: "OK",
        errors: &[],
    };

    fn run(args: &PauseArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let until = args.pause.map(|ms| queue.context.wall.after(ms));
        let text = until.map_or(UNTIL_RESUMED.to_string(), |until| until.0.to_string());
        let field = (PAUSED.as_bytes(), text.as_bytes());
        queue.keys.hset(queue.name.queue(), &[field])?;
        queue.change_settings(|settings| settings.paused = Some(until.map_or(i64::MAX, |until| until.0)));
        if let Some(until) = until {
            queue.wake_at(until);
        }
        Ok(Reply::OK.into())
    }
}

/// TASK.RESUME.
pub(crate) struct Resume;

impl Command for Resume {
    type Args<'a> = QueueArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.RESUME",
        summary: "Ends a pause.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: QueueArgs::ARGS,
        reply: "OK",
        errors: &[],
    };

    fn run(_: &QueueArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        queue.resume()?;
        queue.serve_waiters();
        Ok(Reply::OK.into())
    }
}
