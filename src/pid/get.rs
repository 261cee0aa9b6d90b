//! PID.GET: everything about one member.

use std::collections::BTreeSet;

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, Typed, arguments, ensure_few};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::service::Service;
use crate::pid::render;
use crate::reply::Reply;

const FIELD: Typed<&str> = Arg::text("field").means("a field");

arguments! {
    pub(crate) struct GetArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        fields: Vec<&'a str> = Arg::any("fields", &FIELD).means("the fields to show, at most 1,000; by default all"),
    }
}

/// PID.GET.
pub(crate) struct Get;

impl Command for Get {
    type Args<'a> = GetArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.GET",
        summary: "Shows a member, or the values of some of its fields, including those of its META.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: GetArgs::ARGS,
        reply: "map `member`, `pid`, `host`, `start`, `boot`, `state`, `role`, `position` (of a candidate in the line, or null), `epoch`, `ttl_ms`, `remaining_ms`, `idle_ms`, `connections` (bound ones), `grace_ms`, `signal`, `status`, `registered_at`, `meta`; the value of one field, an array of several; or null",
        errors: &[],
    };

    fn run(args: &GetArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        ensure_few("fields", args.fields.len())?;
        // Each field is shown once: a value may be long, and the names of many fit into one call.
        let mut named = BTreeSet::new();
        if let Some(again) = args.fields.iter().find(|field| !named.insert(*field)) {
            return Err(Error::BadArg(format!("{again} is given twice")));
        }
        service.ensure_readable()?;
        let member = args.member.0;
        if service.find(member)?.is_none() {
            return Ok(Reply::Null.into());
        }
        let mut values = Vec::with_capacity(args.fields.len());
        for field in &args.fields {
            values.push(render::field(service, member, field)?.unwrap_or(Reply::Null));
        }
        Ok(match values.len() {
            0 => render::map(service, member, &render::GET)?,
            1 => values.pop().unwrap_or(Reply::Null),
            _ => Reply::Array(values),
        }
        .into())
    }
}
