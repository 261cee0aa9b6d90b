//! TASK.LIST: the tasks in one state, page by page.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, MAX_COUNT, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::pages::CURSOR;
use crate::reply::Reply;
use crate::task::commands::filter::{CLAIMED_BY, Filter, FilterArgs};
use crate::task::handle::Queue;
use crate::task::header::HEADER_LEN;
use crate::task::render;
use crate::task::walk::{self, Route};

/// Tasks on a page when COUNT is not given. A filter that finds little would show next to nothing of so few.
const DEFAULT_COUNT: usize = 10;

arguments! {
    pub(crate) struct ListArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        state: &'a str = Arg::words("state", &["scheduled", "ready", "blocked", "claimed", "done", "dead"])
            .means("which tasks"),
        filter: FilterArgs<'a> = Arg::shared(),
        worker: Option<&'a str> = CLAIMED_BY,
        cursor: Option<&'a [u8]> = CURSOR,
        count: Option<usize> = Arg::COUNT.means("how many are looked at; by default 10, with a filter 1,000"),
        reverse: bool = Arg::flag("REV").means("the last one first"),
        payloads: bool = Arg::flag("PAYLOADS").means("with their payloads and results"),
    }
}

/// TASK.LIST.
pub(crate) struct List;

impl Command for List {
    type Args<'a> = ListArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.LIST",
        summary: "Lists the tasks in one state, page by page. A task that stays in that state is never missed, whatever happens to others meanwhile.",
        complexity: "O(log M+N) for N tasks looked at of M in that state",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ListArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps as TASK.GET's, `payload` and `result` null without PAYLOADS",
        errors: &[],
    };

    fn run(args: &ListArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        let filter = Filter::new(queue, args.state, &args.filter, args.worker)?;
        let count = if filter.takes_all() { DEFAULT_COUNT } else { MAX_COUNT };
        let route = Route {
            state: args.state,
            cursor: args.cursor,
            count: args.count.unwrap_or(count),
            reverse: args.reverse,
            length: if args.payloads { usize::MAX } else { filter.reads() },
        };
        let mut tasks = Vec::new();
        let next = walk::walk(queue, route, &mut |queue, mut seen| {
            let (takes, work) = filter.look_at(queue, &seen);
            let Some(task) = seen.task.filter(|_| takes) else {
                return Ok(Some(work));
            };
            let payload = args
                .payloads
                .then(|| seen.record.split_off(HEADER_LEN.min(seen.record.len())));
            let shown = render::render(queue, &task, payload)?;
            let length = match &shown {
                Reply::Map(fields) => fields.iter().map(|(_, value)| size(value)).sum(),
                _ => 0,
            };
            tasks.push(shown);
            Ok(Some(work.max(length)))
        })?;
        Ok(Reply::Array(vec![Reply::Bytes(next), Reply::Array(tasks)]).into())
    }
}

/// What each value of an array adds besides its length: many short ones are work, too.
const ITEM: usize = 16;

/// What a value adds to a page, bytes: a task may have to come after a thousand others.
fn size(value: &Reply) -> usize {
    match value {
        Reply::Bytes(bytes) => bytes.len(),
        Reply::Array(items) => items.iter().map(|item| ITEM + size(item)).sum(),
        _ => 0,
    }
}
