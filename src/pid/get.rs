//! PID.GET: all that is known of a member.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::service::Service;
use crate::pid::render;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// PID.GET.
pub(crate) struct Get;

impl Command for Get {
    const SPEC: Spec = Spec {
        name: "PID.GET",
        summary: "Shows a member, or the bare values of some of its fields, those of its META included.",
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::value("fields", Kind::Any(&[Arg::value("field", Kind::Text)])),
        ],
        reply: "map `member`, `pid`, `host`, `start`, `boot`, `state`, `role`, `epoch`, `ttl`, `left`, `age`, `bound`, `grace`, `signal`, `status`, `registered`, `meta`; the value of one field, an array of several; or null",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        service.ensure_readable()?;
        let member = args.text("member");
        if service.find(member)?.is_none() {
            return Ok(Reply::Null.into());
        }
        let fields: Vec<&str> = args
            .items()
            .iter()
            .filter_map(|item| std::str::from_utf8(item.as_bytes()).ok())
            .collect();
        let mut values = Vec::with_capacity(fields.len());
        for field in &fields {
            values.push(render::field(&mut service, member, field)?.unwrap_or(Reply::Null));
        }
        Ok(match values.len() {
            0 => render::map(&mut service, member, &render::GET)?,
            1 => values.pop().unwrap_or(Reply::Null),
            _ => Reply::Array(values),
        }
        .into())
    }
}
