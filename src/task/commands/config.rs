//! TASK.CONFIG GET and SET: a queue's own settings.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::names::Id;
use crate::reply::Reply;
use crate::settings::{self, FIELDS, GROUP_LIMIT, SERVICE};
use crate::task;
use crate::task::dispatch::serve;
use crate::task::index::blocked;
use crate::tx::{Command, Response, Tx};

/// TASK.CONFIG GET.
pub(crate) struct ConfigGet;

impl Command for ConfigGet {
    const SPEC: Spec = Spec {
        name: "TASK.CONFIG GET",
        summary: "Shows a queue's settings, those that apply by default included.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("fields", Kind::Any(&[Arg::value("field", Kind::Words(&FIELDS))])),
        ],
        reply: "map field, value",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        let settings = task::settings(tx, &name)?;
        let wanted = |field: &str| {
            args.items().is_empty() || args.items().iter().any(|item| item.as_bytes() == field.as_bytes())
        };
        let map = FIELDS
            .iter()
            .filter(|field| wanted(field))
            .map(|field| {
                let value = settings.show(field, &tx.context.config);
                (*field, value.map_or(Reply::Null, Reply::text))
            })
            .collect();
        Ok(Reply::Map(map).into())
    }
}

/// TASK.CONFIG SET.
pub(crate) struct ConfigSet;

impl Command for ConfigSet {
    const SPEC: Spec = Spec {
        name: "TASK.CONFIG SET",
        summary: "Changes a queue's settings, all or none of those given.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value(
                "settings",
                Kind::Many(&[
                    Arg::value("field", Kind::Words(&FIELDS)),
                    Arg::value("value", Kind::Bytes),
                ]),
            ),
        ],
        reply: "OK",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = task::queue(args, caller)?;
        task::settings(tx, &name)?;
        let mut values: Vec<(&'static str, String)> = Vec::new();
        for pair in args.items().chunks(2) {
            let [field, value] = pair else {
                continue;
            };
            let field = std::str::from_utf8(field.as_bytes()).unwrap_or_default();
            let (field, value) = settings::check(&name, field, value.as_bytes())?;
            if values.iter().any(|(known, _)| *known == field) {
                return Err(Error::BadArg(format!("{field} is given twice")));
            }
            values.push((field, value));
        }
        let is_own = |(field, value): &&(&str, String)| *field == SERVICE && value == name.text();
        let fields: Vec<(&[u8], &[u8])> = values
            .iter()
            .filter(|pair| !is_own(pair))
            .map(|(field, value)| (field.as_bytes(), value.as_bytes()))
            .collect();
        tx.keys.ensure_type(name.queue())?;
        if !fields.is_empty() {
            tx.keys.hset(name.queue(), &fields)?;
        }
        if values.iter().any(|pair| is_own(&pair)) && tx.keys.hget(name.queue(), SERVICE.as_bytes())?.is_some() {
            tx.keys.hdel(name.queue(), &[SERVICE.as_bytes()])?;
        }
        let was_given = |name| values.iter().any(|(field, _)| *field == name);
        let queue = tx.state.queue(&name);
        queue.settings = None;
        if was_given(SERVICE) {
            queue.recheck = Some(Id::new());
            // Whoever was told by its service to take no work may take it now.
            queue.look_for_owed();
        }
        if was_given(GROUP_LIMIT) {
            blocked::look_again(tx, &name);
        }
        // From now on the members of another service are its workers.
        task::settings(tx, &name)?;
        // A lower dead-limit or dead-retain has something to remove.
        tx.state.wakeups.now(&name);
        // A higher limit lets claimers in.
        serve::serve(tx, &name);
        Ok(Reply::OK.into())
    }
}
