//! PID.LIST: the members of a service.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::record::MemberName;
use crate::membership::service::Service;
use crate::pages;
use crate::pid::render;
use crate::reply::Reply;

/// Most members that one page examines, whether they are of the host or not.
const LOOKED_AT: usize = 10_000;

arguments! {
    pub(crate) struct ListArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        host: Option<&'a str> = Arg::option("HOST", Arg::text("host")).means("only those on this host"),
        cursor: Option<&'a [u8]> = pages::CURSOR,
        count: Option<usize> = pages::COUNT,
    }
}

/// PID.LIST.
pub(crate) struct List;

impl Command for List {
    type Args<'a> = ListArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "PID.LIST",
        summary: "Lists the members of a service by name. A member that stays is never missed, whatever happens to others meanwhile.",
        complexity: "O(N) for N members looked at; the first time on a replica, and just after a load, for all members",
        access: Access::Read,
        blocking: false,
        keys: Keys::First,
        args: ListArgs::ARGS,
        reply: "the next cursor (`0` at the end) and an array of maps `member`, `pid`, `host`, `start`, `boot`, `state`, `role`, `position` (of a candidate in the line, or null), `ttl_ms`, `idle_ms`, `signal`, `status`",
        errors: &[],
    };

    fn run(args: &ListArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        service.ensure_readable()?;
        let after = pages::after(args.cursor)?;
        let (names, last) = page(service, after, args.host, pages::count(args.count))?;
        let mut maps = Vec::with_capacity(names.len());
        for member in &names {
            maps.push(render::map(service, member, &render::LIST)?);
        }
        let cursor = pages::cursor(last.as_deref());
        Ok(Reply::Array(vec![cursor, Reply::Array(maps)]).into())
    }
}

/// The members of one page, those beyond `after` by name, and the member after which the next page begins, if there
/// is one.
fn page(
    service: &mut Service<'_>,
    after: Option<&str>,
    host: Option<&str>,
    count: usize,
) -> Result<(Vec<MemberName>, Option<MemberName>)> {
    service.complete()?;
    let mut page = Vec::new();
    let Some(known) = service.known() else {
        return Ok((page, None));
    };
    let mut last = None;
    for (looked_at, member) in known.members_after(after).enumerate() {
        if page.len() == count || looked_at == LOOKED_AT {
            return Ok((page, last));
        }
        let is_wanted = host.is_none_or(|host| member.record.host.as_deref() == Some(host));
        if is_wanted && member.version == known.version {
            page.push(member.name.clone());
        }
        last = Some(member.name.clone());
    }
    Ok((page, None))
}
