//! HB.SIGNAL: a word that stands in every beat's reply until it is cleared.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::names::{Name, plain_text};
use crate::presence::NO_SIGNAL;
use crate::proc::events::{Event, tell};
use crate::proc::{self, SIGNAL, SIGNAL_AT, roster};
use crate::reply::Reply;
use crate::tx::Tx;

/// The words the module itself knows, in the spelling that is stored.
const KNOWN: [&str; 3] = ["quiet", "stop", NO_SIGNAL];
/// What stands for all members.
const ALL: &[u8] = b"*";

arguments! {
    pub(crate) struct SignalArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        to: &'a [u8] = Arg::bytes("member|*"),
        word: &'a str = Arg::text("word"),
    }
}

/// HB.SIGNAL.
pub(crate) struct Signal;

impl Command for Signal {
    type Args<'a> = SignalArgs<'a>;
    type On<'t> = Tx<'t>;
    const SPEC: Spec = Spec {
        name: "HB.SIGNAL",
        summary: "Gives a member, or all that have registered so far, a standing signal; quiet and stop: no more tasks; none: cleared.",
        complexity: "O(1), and O(N) for N clients that wait for tasks when the signal is quiet or stop",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: SignalArgs::ARGS,
        reply: "to how many",
    };

    fn run(args: &SignalArgs<'_>, caller: &Caller<'_>, tx: &mut Tx<'_>) -> Result<Response, Error> {
        let name = proc::service(args.service.0, caller)?;
        let word = args.word;
        let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(word));
        let word = known.unwrap_or(word);
        let to = args.to;
        proc::check(tx, &name)?;
        let reached = if to == ALL {
            to_all(tx, &name, word)?
        } else {
            to_one(tx, &name, plain_text("member", to)?, word)?
        };
        if reached > 0 {
            let member = std::str::from_utf8(to).unwrap_or_default();
            let present = tx.state.presence.member(&name, member);
            let record = present.map(|present| present.member.clone());
            let event = Event {
                kind: "signal",
                member,
                record: record.as_ref(),
                epoch: None,
                reason: word,
            };
            tell(tx, &name, &event)?;
            send_home(tx, &name);
        }
        Ok(Reply::count(reached).into())
    }
}

fn to_one(tx: &mut Tx<'_>, name: &Name, member: &str, word: &str) -> Result<usize> {
    if !proc::find(tx, name, member)? {
        return Ok(0);
    }
    let epoch = proc::head(tx, name)?.epoch;
    let at = tx.next_fence(epoch);
    roster::update(tx, name, member, |record| {
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
    let mut head = proc::head(tx, name)?;
    let at = tx.next_fence(head.epoch);
    tx.keys.hset(
        name.service(),
        &[
            (SIGNAL.as_bytes(), word.as_bytes()),
            (SIGNAL_AT.as_bytes(), at.to_string().as_bytes()),
        ],
    )?;
    head.signal = Some((word.to_string(), at));
    tx.state.presence.service(name).head = Some(head);
    Ok(members)
}

/// The clients of members that are to take no more work wait for none, wherever they wait.
fn send_home(tx: &mut Tx<'_>, name: &Name) {
    for queue in tx.state.presence.followers(name) {
        let presence = &tx.state.presence;
        let waiting = &tx.state.waiting;
        let is_quiet = |queue: &Name, worker: &str| presence.is_quiet(presence.followed_by(queue), worker);
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
            tx.state.queue(&queue).rescan_targeted();
        }
    }
}
