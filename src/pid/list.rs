//! PID.LIST: the members of a service.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::record::MemberName;
use crate::membership::service;
use crate::membership::service_state::Loading;
use crate::membership::service_state::ServiceState;
use crate::names::Name;
use crate::pages;
use crate::pid::render;
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// Members one page looks at, whether they are of the host or not.
const LOOKED_AT: usize = 10_000;

/// PID.LIST.
pub(crate) struct List;

impl Command for List {
    const SPEC: Spec = Spec {
        name: "PID.LIST",
        summary: "Lists the members of a service by name. One that stays is listed whatever happens to others.",
        complexity: "O(N) for N members looked at; on a replica, and just after a load, for all members",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::option("HOST", "host", Kind::Text),
            pages::CURSOR,
            Arg::COUNT,
        ],
        reply: "the next cursor (`0` at the end) and an array of maps `member`, `pid`, `host`, `start`, `boot`, `state`, `role`, `ttl`, `age`, `signal`, `status`",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        service::ensure_readable(tx, &name)?;
        let after = pages::after(args)?.map(std::str::from_utf8).transpose();
        let after = after.map_err(|_| pages::bad_cursor())?;
        let (names, behind) = members(tx, &name, after, args)?;
        let mut maps = Vec::with_capacity(names.len());
        for member in &names {
            maps.push(render::map(tx, &name, member, &render::LIST)?);
        }
        let cursor = pages::cursor(behind.as_deref());
        Ok(Reply::Array(vec![cursor, Reply::Array(maps)]).into())
    }
}

/// The members of one page, those beyond `after` by name, and the member that the next page begins behind, if there
/// is one.
fn members(
    tx: &mut Tx<'_>,
    name: &Name,
    after: Option<&str>,
    args: &Args<'_>,
) -> Result<(Vec<MemberName>, Option<MemberName>)> {
    let done = |known: &ServiceState| known.loading == Loading::Done;
    if !tx.state.services.known(name).is_some_and(done) {
        // Memory does not know them all.
        for (member, stored) in tx.keys.hgetall(name.members())? {
            let member = std::str::from_utf8(&member).unwrap_or_default();
            let alive = tx.context.steady;
            service::load(tx, name, member, Some(&stored), alive);
        }
    }
    let mut page = Vec::new();
    let Some(known) = tx.state.services.known(name) else {
        return Ok((page, None));
    };
    let count = pages::count(args);
    let host = args.has("HOST").then(|| args.text("HOST"));
    let mut last = None;
    for (looked_at, (member, present)) in known.members_after(after).enumerate() {
        if page.len() == count || looked_at == LOOKED_AT {
            return Ok((page, last));
        }
        let is_wanted = host.is_none_or(|host| present.record.host.as_deref() == Some(host));
        if is_wanted && present.version == known.version {
            page.push(member.clone());
        }
        last = Some(member.clone());
    }
    Ok((page, None))
}
