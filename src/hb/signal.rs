//! HB.SIGNAL: a word in the reply to every heartbeat until it is cleared.

use crate::command::run::{Command, Response};
use crate::command::{Access, Arg, Key, Keys, Spec, arguments};
use crate::context::Caller;
use crate::error::Result;
use crate::membership::events::Event;
use crate::membership::leadership::{SIGNAL, SIGNAL_ORDER};
use crate::membership::service::Service;
use crate::membership::service_state::NO_SIGNAL;
use crate::names::{Name, plain_text};
use crate::reply::Reply;

/// The words that have a meaning to the module, in the spelling that is stored.
const KNOWN: [&str; 3] = ["quiet", "stop", NO_SIGNAL];
/// Means all members.
const ALL: &[u8] = b"*";

arguments! {
    pub(crate) struct SignalArgs<'a> {
        service: Key<'a> = Arg::SERVICE,
        to: &'a [u8] = Arg::bytes("member|*").means("the member; * is all that are registered now"),
        word: &'a str = Arg::text("word")
            .means("quiet or stop: no more tasks; none: no signal; any other word means what you choose"),
    }
}

/// HB.SIGNAL.
pub(crate) struct Signal;

impl Command for Signal {
    type Args<'a> = SignalArgs<'a>;
    type On<'t> = Service<'t>;
    const SPEC: Spec = Spec {
        name: "HB.SIGNAL",
        summary: "Sets the standing signal of a member, or of all registered so far. quiet and stop: it gets no more tasks; none clears it.",
        complexity: "O(1), and O(N) for N clients that wait for tasks when the signal is quiet or stop",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: SignalArgs::ARGS,
        reply: "number of members signalled",
        errors: &[],
    };

    fn run(args: &SignalArgs<'_>, _: &Caller<'_>, service: &mut Service<'_>) -> Result<Response> {
        let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(args.word));
        let word = known.unwrap_or(args.word);
        let to = args.to;
        service.ensure_types()?;
        let reached = if to == ALL {
            to_all(service, word)?
        } else {
            to_one(service, plain_text("member", to)?, word)?
        };
        if reached > 0 {
            let member = std::str::from_utf8(to).unwrap_or_default();
            service.emit(member, &Event::Signal(word))?;
            end_waits(service, to);
        }
        Ok(Reply::count(reached).into())
    }
}

fn to_one(service: &mut Service<'_>, member: &str, word: &str) -> Result<usize> {
    if service.find(member)?.is_none() {
        return Ok(0);
    }
    let at = service.next_fence()?;
    service.update(member, |record| {
        record.signal = (word != NO_SIGNAL).then(|| word.to_string());
        record.signal_order = at;
    })?;
    Ok(1)
}

/// Signals all members with one field of the service, however many there are; members that register later do not
/// see it.
fn to_all(service: &mut Service<'_>, word: &str) -> Result<usize> {
    let members = service.keys.hlen(service.name.members())?;
    if members == 0 {
        return Ok(0);
    }
    let at = service.next_fence()?;
    let mut leadership = service.leadership()?;
    service.keys.hset(
        service.name.service(),
        &[
            (SIGNAL.as_bytes(), word.as_bytes()),
            (SIGNAL_ORDER.as_bytes(), at.to_string().as_bytes()),
        ],
    )?;
    leadership.signal = Some((word.to_string(), at));
    service.memory().leadership = Some(leadership);
    Ok(members)
}

/// Ends the blocked claims of the signalled members that must not take more work, in every queue. Claims that they
/// make from now on wait until they may take work again.
fn end_waits(service: &mut Service<'_>, to: &[u8]) {
    for queue in service.state.followers_with_clients(&service.name) {
        let services = &service.state.services;
        let waiting = &service.state.waiting;
        let is_quiet = |queue: &Name, worker: &str| services.is_quiet(services.followed_by(queue), worker);
        let quiet: Vec<_> = waiting
            .claimers_of(&queue)
            .filter(|(_, request)| to == ALL || to == request.worker.as_bytes())
            .filter(|(ticket, request)| {
                let queues = waiting.names_of(*ticket);
                queues.iter().all(|queue| is_quiet(queue, &request.worker))
            })
            .map(|(ticket, _)| ticket)
            .collect();
        for ticket in quiet {
            service.tx().answer(ticket, Ok(Reply::NullArray), Vec::new());
        }
    }
    service.state.readmit_quiet(&service.name);
}
