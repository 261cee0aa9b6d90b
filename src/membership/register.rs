//! A process registers: as a new member, as itself again, in the place of one that is silent; or it is told who is
//! in its way.

use crate::error::{Error, Result};
use crate::membership::election;
use crate::membership::member::Member;
use crate::membership::member::Reason;
use crate::membership::members;
use crate::membership::record::MemberName;
use crate::membership::registration::Registration;
use crate::membership::service;
use crate::names::Name;
use crate::reply::Reply;
use crate::time::Ms;
use crate::tx::Tx;

/// What a registration came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// It is a member.
    In {
        /// registered, resumed or replaced.
        status: &'static str,
        /// Its token.
        token: Option<u64>,
        /// The epoch it leads in, if it does.
        epoch: Option<u64>,
        /// Its TTL, ms.
        ttl: Ms,
    },
    /// Another one is in its way, or the reclaim window.
    Held {
        /// Who.
        holder: Option<MemberName>,
        /// The epoch of the leader.
        epoch: Option<u64>,
        /// When it may be worth another try, ms from now.
        retry: Option<Ms>,
        /// Whether it is the lead that is held, for which one can wait.
        lead: bool,
    },
}

/// Registers, if nobody is in the way. `full` says that the server's memory is; `turn` that those who stand in the
/// line for the lead have had theirs.
pub(crate) fn register(
    tx: &mut Tx<'_>,
    name: &Name,
    wish: &Registration,
    full: bool,
    turn: bool,
) -> Result<Registered, Error> {
    service::ensure_types(tx, name)?;
    let member = &wish.member;
    if let Some(token) = wish.token {
        service::verify(tx, name, member, token)?;
        election::may_lead_with(tx, name, member, wish.ttl, wish.exclusive)?;
    } else {
        if wish.exclusive {
            election::may_lead(tx, wish.ttl.unwrap_or(tx.context.config.ttl))?;
        }
        if !service::find(tx, name, member)? {
            members::has_room(tx, name, full)?;
        }
    }
    // From here on nothing fails.
    let rebooted = end_other_boots(tx, name, wish)?;
    if (wish.exclusive || rebooted) && !turn {
        election::elect(tx, name)?;
    }
    if let Some(held) = lead_held(tx, name, wish)? {
        return Ok(held);
    }
    let status = match service::find(tx, name, member)? {
        true if wish.token.is_some() => "resumed",
        true => {
            let silent = tx.state.services.member(name, member).is_some_and(is_silent(tx));
            if !silent {
                return held_by(tx, name, member, false);
            }
            members::remove(tx, name, member, &Reason::Replaced)?;
            if !turn {
                election::elect(tx, name)?;
            }
            if let Some(held) = lead_held(tx, name, wish)? {
                return Ok(held);
            }
            "replaced"
        }
        false => "registered",
    };
    let token = if status == "resumed" {
        members::resume(tx, name, wish)?;
        wish.token
    } else {
        members::join(tx, name, wish, status)?
    };
    let leads = service::leadership(tx, name)?.leader.as_ref() == Some(member);
    if wish.exclusive && !leads {
        election::appoint(tx, name, member)?;
    }
    let epoch = service::leadership(tx, name)?.epoch;
    let ttl = tx.state.services.member(name, member).map(|present| present.record.ttl);
    Ok(Registered::In {
        status,
        token,
        epoch: (leads || wish.exclusive).then_some(epoch),
        ttl: ttl.unwrap_or(0),
    })
}

/// The host was booted since its other members registered: their processes are gone. Whether there were any.
fn end_other_boots(tx: &mut Tx<'_>, name: &Name, wish: &Registration) -> Result<bool> {
    let (Some(host), Some(boot)) = (&wish.host, &wish.boot) else {
        return Ok(false);
    };
    let known = tx.state.services.known(name);
    let mut old = known.map(|known| known.of_other_boots(host, boot)).unwrap_or_default();
    old.retain(|member| wish.token.is_none() || *member != wish.member);
    for member in &old {
        members::remove(tx, name, member, &Reason::Reboot)?;
    }
    Ok(!old.is_empty())
}

/// Whether a member may be taken for gone by one that wants its name: its connection was seen closing, or its
/// time is over.
fn is_silent(tx: &Tx<'_>) -> impl Fn(&Member) -> bool {
    move |present| (present.is_away() && present.closed.is_some()) || service::is_overdue(tx, present)
}

/// What stands in the way of one that wants to be the exclusive holder.
fn lead_held(tx: &mut Tx<'_>, name: &Name, wish: &Registration) -> Result<Option<Registered>> {
    if !wish.exclusive {
        return Ok(None);
    }
    match service::leader(tx, name)? {
        Some(leader) if leader != wish.member => held_by(tx, name, &leader, true).map(Some),
        Some(_) => Ok(None),
        None => {
            let left = election::reclaim_left(tx, name)?;
            Ok((left > 0).then_some(Registered::Held {
                holder: None,
                epoch: None,
                retry: Some(left),
                lead: true,
            }))
        }
    }
}

fn held_by(tx: &mut Tx<'_>, name: &Name, holder: &MemberName, lead: bool) -> Result<Registered> {
    let leads = service::leader(tx, name)?.as_ref() == Some(holder);
    let epoch = service::leadership(tx, name)?.epoch;
    let present = tx.state.services.member(name, holder);
    let retry = present.and_then(|present| left(tx, present));
    Ok(Registered::Held {
        holder: Some(holder.clone()),
        epoch: leads.then_some(epoch),
        retry,
        lead: lead || leads,
    })
}

/// How long a member lives without a sign of life, ms from now; `None` for ever.
pub(crate) fn left(tx: &Tx<'_>, present: &Member) -> Option<Ms> {
    let (deadline, _) = present.deadline(tx.context.config.ttl)?;
    Some(deadline.since(tx.context.steady).max(0))
}

/// What the client is told.
pub(crate) fn render(tx: &Tx<'_>, name: &Name, registered: &Registered) -> Reply {
    let number = |number: Option<u64>| number.map_or(Reply::Null, Reply::number);
    let fields = match registered {
        Registered::In {
            status,
            token,
            epoch,
            ttl,
        } => [
            Reply::Word(status),
            number(*token),
            number(*epoch),
            Reply::Int(*ttl),
            Reply::Null,
            Reply::Null,
        ],
        Registered::Held {
            holder, epoch, retry, ..
        } => [
            Reply::Word("held"),
            Reply::Null,
            number(*epoch),
            Reply::Null,
            holder
                .as_ref()
                .map_or(Reply::Null, |holder| render_holder(tx, name, holder)),
            Reply::int_or_null(*retry),
        ],
    };
    let names = ["status", "token", "epoch", "ttl", "holder", "retry"];
    Reply::Map(names.into_iter().zip(fields).collect())
}

/// What a pid file would tell of the holder.
fn render_holder(tx: &Tx<'_>, name: &Name, holder: &str) -> Reply {
    let present = tx.state.services.member(name, holder);
    let record = present.map(|present| &present.record);
    let host = record.and_then(|record| record.host.clone());
    Reply::Map(vec![
        ("member", Reply::text(holder)),
        ("pid", Reply::int_or_null(record.and_then(|record| record.pid))),
        ("host", host.map_or(Reply::Null, Reply::text)),
        ("ttl", Reply::int_or_null(present.and_then(|present| left(tx, present)))),
    ])
}
