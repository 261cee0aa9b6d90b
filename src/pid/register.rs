//! PID.REGISTER: a process becomes a member, or the exclusive holder of the service.

use std::collections::BTreeMap;

use crate::command::run::{Command, Response};
use crate::command::{Access, Actor, Arg, Key, Keys, Spec, Typed, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::register::Registered;
use crate::membership::registration::Registration;
use crate::membership::service::{Service, connection};
use crate::time::{MAX_TTL, MIN_TTL, Ms};
use crate::waiting::{Timeout, WaitFor};

/// The process id of a member: 32 bits, as on Windows.
pub(crate) const PID: Typed<i64> = Arg::int("pid", 1, 4_294_967_295, "").means("its process id");
/// The token of a member.
pub(crate) const TOKEN: Typed<u64> = Arg::TOKEN.means("the token of the member, as REGISTER or BEAT replied it");
/// Most fields of META.
const MAX_META: usize = 100;
/// Longest value of a field of META, bytes.
const MAX_META_VALUE: usize = 4_096;

arguments! {
    /// Binds a member to its connections.
    pub(crate) struct BindArgs {
        grace: Option<Ms> = Arg::duration("GRACE", 0, MAX_TTL)
            .means("how long it may take to come back after its last connection closed; by default 0"),
    }
}

arguments! {
    pub(crate) struct ExclusiveArgs {
        block: Option<Ms> = Arg::BLOCK.means("how long to wait until the holder is gone; 0: for ever"),
    }
}

arguments! {
    pub(crate) struct MetaField<'a> {
        field: &'a str = Arg::text("field").means("a name of your choice"),
        value: &'a [u8] = Arg::bytes("value").means("its value: text of at most 4,096 bytes"),
    }
}

const META_FIELD: Typed<MetaField<'static>> = Arg::shared();

arguments! {
    pub(crate) struct RegisterArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        member: Actor<'a> = Arg::MEMBER,
        pid: i64 = PID,
        host: Option<&'a str> = Arg::option("HOST", Arg::text("host")).means("its host"),
        start: Option<&'a str> = Arg::option("START", Arg::text("start"))
            .means("when it started, in any form: no other process has this pid, HOST, START and BOOT"),
        boot: Option<&'a str> = Arg::option("BOOT", Arg::text("boot"))
            .means("the boot id of its host: members of that host with another one are down"),
        ttl: Option<Ms> = Arg::duration("TTL", 0, MAX_TTL)
            .means("how long it lives without a heartbeat, from 100 ms; 0: for ever; by default `steward.ttl`"),
        bind: Option<BindArgs> = Arg::group("BIND", "bind").means("it is down when its connection closes"),
        exclusive: Option<ExclusiveArgs> = Arg::group("EXCLUSIVE", "exclusive")
            .means("as the leader of the service, or not at all"),
        token: Option<u64> = Arg::option("TOKEN", TOKEN)
            .means("the token of its last registration, which it continues"),
        meta: Option<Vec<MetaField<'a>>> = Arg::option("META", Arg::counted("numfields", MAX_META, &META_FIELD))
            .means("fields of your own, for PID.GET"),
    }
}

/// PID.REGISTER.
pub(crate) struct Register;

impl Command for Register {
    type Args<'a> = RegisterArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.REGISTER",
        summary: "Registers a process as a member of a service; with EXCLUSIVE, as its leader or not at all. If the same process (pid, HOST, START, BOOT) sends it again before a call has used its token, it is resumed with a new token.",
        complexity: "O(log N) for N members",
        access: Access::Write,
        blocking: true,
        keys: Keys::First,
        args: RegisterArgs::ARGS,
        reply: "map `status` (registered, resumed, replaced, held), `token`, `epoch`, `ttl_ms`, `holder` (map `member`, `pid`, `host`, `remaining_ms`, or null), `retry_ms`; null when BLOCK ran out",
        errors: &[
            ("NOMEMBER", "TOKEN: there is no such member any more"),
            ("FENCED", "TOKEN: it is not the token of the member"),
            ("SERVICEFULL", "it is a new member, and there are `steward.max-members`"),
            ("OOM", "memory is full, and it is a new member"),
        ],
    };

    fn run(args: &RegisterArgs<'_>, caller: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let registration = registration(args, caller)?;
        let block = args.exclusive.as_ref().and_then(|exclusive| exclusive.block);
        if block.is_some() {
            ensure_can_end(service, &registration)?;
        }
        let registered = service.register(&registration)?;
        match (Timeout::asked(block, caller), &registered) {
            (Some(timeout), Registered::Held { lead: true, .. }) => {
                let place = service.next_place(0);
                let wait = WaitFor::Hold(service.name.clone(), Box::new(registration), place);
                Ok(Response::Wait(wait, timeout))
            }
            _ => Ok(service.render_registered(&registered).into()),
        }
    }
}

/// Errors with `BadArg` when nothing would show that the client is gone which waits to be the exclusive holder: it would
/// be the holder for ever.
fn ensure_can_end(service: &mut Service<'_>, registration: &Registration) -> Result<()> {
    let stored = match registration.token {
        Some(_) => service.find(&registration.member)?.map(|known| known.record.ttl),
        None => None,
    };
    if registration.ttl.or(stored) == Some(0) && registration.bind.is_none() {
        return Err(Error::BadArg("EXCLUSIVE BLOCK with TTL 0 needs BIND".into()));
    }
    Ok(())
}

fn registration(args: &RegisterArgs<'_>, caller: &Caller<'_>) -> Result<Registration> {
    let text = |text: Option<&str>| text.map(str::to_string);
    let ttl = args.ttl;
    if ttl.is_some_and(|ttl| (1..MIN_TTL).contains(&ttl)) {
        return Err(Error::BadArg(format!(
            "TTL must be 0 or an integer from {MIN_TTL} to {MAX_TTL} ms"
        )));
    }
    Ok(Registration {
        member: args.member.0.into(),
        token: args.token,
        pid: Some(args.pid),
        host: text(args.host),
        start: text(args.start),
        boot: text(args.boot),
        ttl,
        bind: connection(args.bind.is_some(), caller)?,
        grace: args.bind.as_ref().and_then(|bind| bind.grace).unwrap_or(0),
        exclusive: args.exclusive.is_some(),
        with_token: true,
        meta: args.meta.as_deref().map(meta).transpose()?,
    })
}

fn meta(fields: &[MetaField<'_>]) -> Result<BTreeMap<String, String>> {
    let mut meta = BTreeMap::new();
    for MetaField { field, value } in fields {
        let value = std::str::from_utf8(value).ok();
        let Some(value) = value.filter(|value| value.len() <= MAX_META_VALUE) else {
            return Err(Error::BadArg(format!(
                "META value must be UTF-8 of at most {MAX_META_VALUE} bytes"
            )));
        };
        if meta.insert((*field).to_string(), value.to_string()).is_some() {
            return Err(Error::BadArg("META field is given twice".into()));
        }
    }
    Ok(meta)
}
