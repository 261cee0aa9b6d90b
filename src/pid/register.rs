//! PID.REGISTER: a process says that it runs, and perhaps that it alone does.

use std::collections::BTreeMap;

use crate::command::{Access, Arg, Args, Keys, Kind, Spec, Value};
use crate::context::Caller;
use crate::error::Error;
use crate::membership::register::Registered;
use crate::membership::registration::Registration;
use crate::membership::service::{Service, connection, number};
use crate::time::{MAX_TTL, MIN_TTL};
use crate::tx::{Command, Response, Tx};
use crate::waiting::{Timeout, WaitFor};

/// The process id of a member: what 32 bits hold, as on Windows.
pub(crate) const PID: Kind = Kind::Int(1, 4_294_967_295, "");
/// How long a member whose last bound connection closed may come back.
pub(crate) const GRACE: Arg = Arg::duration("GRACE", 0, MAX_TTL);
/// Most fields of META.
const MAX_META: i64 = 100;
/// Longest value of a field of META, bytes.
const MAX_META_VALUE: usize = 4_096;

/// PID.REGISTER.
pub(crate) struct Register;

impl Command for Register {
    const SPEC: Spec = Spec {
        name: "PID.REGISTER",
        summary: "Registers a process as a member of a service; EXCLUSIVE: as the one that leads it, or not at all.",
        complexity: "O(log N) for N members",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::MEMBER,
            Arg::value("pid", PID),
            Arg::option("HOST", "host", Kind::Text),
            Arg::option("START", "start", Kind::Text),
            Arg::option("BOOT", "boot", Kind::Text),
            Arg::duration("TTL", 0, MAX_TTL),
            Arg::option("BIND", "bind", Kind::Group(&[GRACE])),
            Arg::option("EXCLUSIVE", "exclusive", Kind::Group(&[Arg::BLOCK])),
            Arg::option("TOKEN", "token", Arg::TOKEN.kind),
            Arg::option(
                "META",
                "numfields",
                Kind::Counted(
                    MAX_META,
                    &[Arg::value("field", Kind::Text), Arg::value("value", Kind::Bytes)],
                ),
            ),
        ],
        reply: "map `status` (registered, resumed, replaced, held), `token`, `epoch`, `ttl`, `holder`, `retry`; null when BLOCK ran out",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let mut service = Service::open(tx, args, caller)?;
        let registration = registration(args, caller)?;
        let registered = service.register(&registration)?;
        match (Timeout::asked(args, caller), &registered) {
            (Some(timeout), Registered::Held { lead: true, .. }) => {
                let place = service.next_place(0);
                let wait = WaitFor::Hold(service.name, Box::new(registration), place);
                Ok(Response::Wait(wait, timeout))
            }
            _ => Ok(service.render_registered(&registered).into()),
        }
    }
}

fn registration(args: &Args<'_>, caller: &Caller<'_>) -> Result<Registration, Error> {
    let text = |name: &str| args.has(name).then(|| args.text(name).to_string());
    let ttl = args.int("TTL");
    if ttl.is_some_and(|ttl| (1..MIN_TTL).contains(&ttl)) {
        return Err(Error::BadArg(format!(
            "TTL must be 0 or an integer from {MIN_TTL} to {MAX_TTL} ms"
        )));
    }
    Ok(Registration {
        member: args.text("member").into(),
        token: number(args, "TOKEN"),
        pid: args.int("pid"),
        host: text("HOST"),
        start: text("START"),
        boot: text("BOOT"),
        ttl,
        bind: connection(args, caller)?,
        grace: args.int("GRACE").unwrap_or(0),
        exclusive: args.has("EXCLUSIVE"),
        with_token: true,
        meta: args.has("META").then(|| meta(args.items())).transpose()?,
    })
}

fn meta(items: &[Value<'_>]) -> Result<BTreeMap<String, String>, Error> {
    let mut meta = BTreeMap::new();
    for pair in items.chunks(2) {
        let [field, value] = pair else {
            continue;
        };
        let text = |value: &Value<'_>| String::from_utf8(value.as_bytes().to_vec()).ok();
        let value = text(value).filter(|value| value.len() <= MAX_META_VALUE);
        let (Some(field), Some(value)) = (text(field), value) else {
            return Err(Error::BadArg(format!(
                "META value must be UTF-8 of at most {MAX_META_VALUE} bytes"
            )));
        };
        if meta.insert(field, value).is_some() {
            return Err(Error::BadArg("META field is given twice".into()));
        }
    }
    Ok(meta)
}
