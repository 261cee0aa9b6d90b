//! TASK.CONFIG GET and SET: a queue's own settings.

use std::collections::BTreeSet;

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Id;
use crate::reply::Reply;
use crate::settings::{self, DEAD_QUEUE, FIELDS, GROUP_LIMIT, SERVICE, SETTINGS};
use crate::task::handle::Queue;
use crate::task::index::blocked;

const FIELD: Typed<&str> = Arg::words("field", &FIELDS).means("a setting");
const SETTING: Typed<Setting<'static>> = Arg::shared();

arguments! {
    pub(crate) struct ConfigGetArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        fields: Vec<&'a str> = Arg::any("fields", &FIELD).means("the settings to show; by default all"),
    }
}

/// TASK.CONFIG GET.
pub(crate) struct ConfigGet;

impl Command for ConfigGet {
    type Args<'a> = ConfigGetArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CONFIG GET",
        summary: "Shows a queue's settings, including defaults.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ConfigGetArgs::ARGS,
        reply: "map field, value",
        errors: &[],
    };

    fn run(args: &ConfigGetArgs<'_>, _: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_once(args.fields.iter().copied())?;
        let is_requested = |field: &str| args.fields.is_empty() || args.fields.contains(&field);
        let shown = |setting| queue.settings.show(setting, &queue.context.config);
        let map = SETTINGS
            .iter()
            .filter(|setting| is_requested(setting.name))
            .map(|setting| (setting.name, Reply::text(shown(setting))))
            .collect();
        Ok(Reply::Map(map).into())
    }
}

/// Errors with `BadArg` if a field is given twice.
fn ensure_once<'f>(mut fields: impl Iterator<Item = &'f str>) -> Result<()> {
    let mut known = BTreeSet::new();
    match fields.find(|field| !known.insert(*field)) {
        Some(again) => Err(Error::BadArg(format!("{again} is given twice"))),
        None => Ok(()),
    }
}

arguments! {
    /// A field of the settings and its new value.
    pub(crate) struct Setting<'a> {
        field: &'a str = FIELD,
        value: &'a [u8] = Arg::bytes("value").means("its new value"),
    }
}

arguments! {
    pub(crate) struct ConfigSetArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        settings: Vec<Setting<'a>> = Arg::many("settings", &SETTING).means("the settings, each with its new value"),
    }
}

/// TASK.CONFIG SET.
pub(crate) struct ConfigSet;

impl Command for ConfigSet {
    type Args<'a> = ConfigSetArgs<'a>;
    type On<'t> = Queue<'t>;
    const SPEC: Spec = Spec {
        name: "TASK.CONFIG SET",
        summary: "Changes settings of a queue: all that are given, or none. `service` needs the right to read that service, `dead-queue` to write to that queue.",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: ConfigSetArgs::ARGS,
        reply: "OK",
        errors: &[],
    };

    fn run(args: &ConfigSetArgs<'_>, caller: &Caller<'_>, queue: &mut Queue<'_>) -> Result<Response> {
        ensure_once(args.settings.iter().map(|setting| setting.field))?;
        let name = queue.name.clone();
        let values = args.settings.iter();
        let values = values.map(|Setting { field, value }| settings::check(&name, field, value));
        let values = values.collect::<Result<Vec<(&'static str, String)>>>()?;
        // What the queue shows of its workers is what the service knows of its members.
        let given = |name| values.iter().find(|(field, _)| *field == name).map(|(_, value)| value);
        let service = given(SERVICE);
        if given(DEAD_QUEUE).is_some_and(|queue| !queue.is_empty() && !(caller.may_write)(queue)) {
            return Err(Error::NoPermission(
                "no permission for the key given as dead-queue".into(),
            ));
        }
        if service.is_some_and(|service| service != name.text() && !(caller.may_see)(service)) {
            return Err(Error::NoPermission("no permission for the key given as service".into()));
        }
        let is_own = |(field, value): &&(&str, String)| *field == SERVICE && value == name.text();
        let fields: Vec<(&[u8], &[u8])> = values
            .iter()
            .filter(|pair| !is_own(pair))
            .map(|(field, value)| (field.as_bytes(), value.as_bytes()))
            .collect();
        queue.keys.ensure_type(queue.name.queue())?;
        if !fields.is_empty() {
            queue.keys.hset(queue.name.queue(), &fields)?;
        }
        let is_own_again = values.iter().any(|pair| is_own(&pair));
        if is_own_again && queue.keys.hget(name.queue(), SERVICE.as_bytes())?.is_some() {
            queue.keys.hdel(name.queue(), &[SERVICE.as_bytes()])?;
        }
        if service.is_some() {
            let memory = queue.memory();
            memory.member_rescan = Some(Id::new());
            // Workers that were quiet in the old service may claim now.
            memory.rescan_targeted();
            queue.state.waiting.readmit(&queue.name);
        }
        if given(GROUP_LIMIT).is_some() {
            blocked::rescan(queue);
        }
        // From now on its workers are members of another service.
        queue.memory();
        queue.reload_settings()?;
        // A lower dead-limit or dead-retain may leave dead letters to remove.
        queue.wake_now();
        // A higher limit lets more claims in.
        queue.serve_waiters();
        Ok(Reply::OK.into())
    }
}
