//! PID.LIST: the members of a service.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::Name;
use crate::pid::show;
use crate::presence::{MemberName, Service, Walk};
use crate::reply::Reply;
use crate::tx::Tx;
use crate::{pages, proc};

/// Members one page looks at, whether they are of the host or not.
const LOOKED_AT: usize = 10_000;

arguments! {
    pub(crate) struct ListArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        host: Option<&'a str> = Arg::option("HOST", Arg::text("host")),
        cursor: Option<&'a [u8]> = pages::CURSOR,
        count: Option<usize> = Arg::COUNT,
    }
}

/// PID.LIST.
pub(crate) struct List;

impl Command for List {
    type Args<'a> = ListArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "PID.LIST",
        summary: "Lists the members of a service by name. One that stays is listed whatever happens to others.",
        complexity: "O(N) for N members looked at; on a replica, and just after a load, for all members",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ListArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps `member`, `pid`, `host`, `start`, `boot`, `state`, `role`, `ttl`, `age`, `signal`, `status`",
    };

    fn run(args: &ListArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        proc::look(tx, &name)?;
        let after = pages::after(args.cursor)?.map(std::str::from_utf8).transpose();
        let after = after.map_err(|_| pages::bad_cursor())?;
        let (names, behind) = members(tx, &name, after, args)?;
        let mut maps = Vec::with_capacity(names.len());
        for member in &names {
            maps.push(show::map(tx, &name, member, &show::LIST)?);
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
    args: &ListArgs<'_>,
) -> Result<(Vec<MemberName>, Option<MemberName>)> {
    let done = |known: &Service| known.walk == Walk::Done;
    if !tx.state.presence.known(name).is_some_and(done) {
        // Memory does not know them all.
        for (member, stored) in tx.keys.hgetall(name.members())? {
            let member = std::str::from_utf8(&member).unwrap_or_default();
            let alive = tx.context.steady;
            proc::adopt(tx, name, member, Some(&stored), alive);
        }
    }
    let mut page = Vec::new();
    let Some(known) = tx.state.presence.known(name) else {
        return Ok((page, None));
    };
    let count = pages::count(args.count);
    let mut last = None;
    for (looked_at, (member, present)) in known.members_after(after).enumerate() {
        if page.len() == count || looked_at == LOOKED_AT {
            return Ok((page, last));
        }
        let is_wanted = args
            .host
            .is_none_or(|host| present.member.host.as_deref() == Some(host));
        if is_wanted && present.version == known.version {
            page.push(member.clone());
        }
        last = Some(member.clone());
    }
    Ok((page, None))
}
