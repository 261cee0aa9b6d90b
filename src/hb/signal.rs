//! HB.SIGNAL: a word that stands in every beat's reply until it is cleared.

use crate::command::{Access, Arg, Args, Keys, Kind, Spec};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::membership::events::{Event, emit};
use crate::membership::leadership::SIGNAL;
use crate::membership::leadership::SIGNAL_AT;
use crate::membership::members;
use crate::membership::service;
use crate::membership::service_state::NO_SIGNAL;
use crate::names::{Name, plain_text};
use crate::reply::Reply;
use crate::tx::{Command, Response, Tx};

/// The words the module itself knows, in the spelling that is stored.
const KNOWN: [&str; 3] = ["quiet", "stop", NO_SIGNAL];
/// What stands for all members.
const ALL: &[u8] = b"*";

/// HB.SIGNAL.
pub(crate) struct Signal;

impl Command for Signal {
    const SPEC: Spec = Spec {
        name: "HB.SIGNAL",
        summary: "Gives a member, or all that have registered so far, a standing signal; quiet and stop: no more tasks; none: cleared.",
        complexity: "O(1), and O(N) for N clients that wait for tasks when the signal is quiet or stop",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::SERVICE,
            Arg::value("member|*", Kind::Bytes),
            Arg::value("word", Kind::Text),
        ],
        reply: "to how many",
    };

    fn run(args: &Args<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = service::service(args, caller)?;
        let word = args.text("word");
        let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(word));
        let word = known.unwrap_or(word);
        let to = args.bytes("member|*");
        service::ensure_types(tx, &name)?;
        let reached = if to == ALL {
            to_all(tx, &name, word)?
        } else {
            to_one(tx, &name, plain_text("member", to)?, word)?
        };
        if reached > 0 {
            let member = std::str::from_utf8(to).unwrap_or_default();
            let present = tx.state.services.member(&name, member);
            let record = present.map(|present| present.record.clone());
            let event = Event {
                kind: "signal",
                member,
                record: record.as_ref(),
                epoch: None,
                reason: word,
            };
            emit(tx, &name, &event)?;
            send_home(tx, &name);
        }
        Ok(Reply::count(reached).into())
    }
}

fn to_one(tx: &mut Tx<'_>, name: &Name, member: &str, word: &str) -> Result<usize> {
    if !service::find(tx, name, member)? {
        return Ok(0);
    }
    let epoch = service::leadership(tx, name)?.epoch;
    let at = tx.next_fence(epoch);
    members::update(tx, name, member, |record| {
        record.signal = (word != NO_SIGNAL).then(|| word.to_string());
        record.signal_at = at;
    })?;
    Ok(1)
}

/// One field of the service, however many members there are; later ones do not see it.
fn to_all(tx: &mut Tx<'_>, name: &Name, word: &str) -> Result<usize> {
    let members = tx.keys.hlen(name.members())?;
    if members == 0 {
        return Ok(0);
    }
    let mut head = service::leadership(tx, name)?;
    let at = tx.next_fence(head.epoch);
    tx.keys.hset(
        name.service(),
        &[
            (SIGNAL.as_bytes(), word.as_bytes()),
            (SIGNAL_AT.as_bytes(), at.to_string().as_bytes()),
        ],
    )?;
    head.signal = Some((word.to_string(), at));
    tx.state.services.service(name).leadership = Some(head);
    Ok(members)
}

/// The clients of members that are to take no more work wait for none, wherever they wait.
fn send_home(tx: &mut Tx<'_>, name: &Name) {
    for queue in tx.state.services.followers(name) {
        let services = &tx.state.services;
        let waiting = &tx.state.waiting;
        let is_quiet = |queue: &Name, worker: &str| services.is_quiet(services.followed_by(queue), worker);
        let home: Vec<_> = waiting
            .claimers_of(&queue)
            .filter(|(ticket, want)| {
                waiting
                    .names_of(*ticket)
                    .iter()
                    .all(|queue| is_quiet(queue, &want.worker))
            })
            .map(|(ticket, _)| ticket)
            .collect();
        for ticket in home {
            tx.answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
        // Those that may take work again are served by the tick.
        if tx.state.waiting.count(&queue) > 0 {
            tx.state.wakeups.now(&queue);
            tx.state.queue(&queue).look_for_owed();
        }
    }
}
