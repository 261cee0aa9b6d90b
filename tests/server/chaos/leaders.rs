//! What the replies to members prove: tokens and epochs grow, no epoch has two holders, no outdated one writes.

use std::collections::BTreeMap;

use super::checker::Mark;
use crate::support::Value;

/// What is known of services and their members.
#[derive(Default)]
pub(super) struct Leaders {
    /// Who was told that it leads in this epoch of a service.
    holders: BTreeMap<(String, i64), String>,
    /// The epochs of each service that were read, as far as they were larger than those before.
    read: BTreeMap<String, Vec<Epoch>>,
    /// The last token of each member, and when it was read.
    tokens: BTreeMap<(String, String), (i64, u64)>,
}

struct Epoch {
    number: i64,
    mark: Mark,
    /// A fault may have undone what was told, but nobody may lead in a smaller one.
    is_undone: bool,
}

impl Leaders {
    /// A member has got a reply to a call sent at a moment; returns what is wrong about it.
    pub(super) fn receive(
        &mut self,
        (name, service, words): (&str, &str, &[&str]),
        (sent, mark): (u64, Mark),
        reply: &Value,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let member = words.first().copied().unwrap_or_default();
        if name == "HB.FENCED" && !reply.is_error() {
            let epoch: i64 = member.parse().expect("an epoch");
            let newer = self.highest(service, sent, false);
            if epoch < newer {
                wrong.push(format!("wrote in epoch {epoch} after {newer}"));
            }
        }
        let Value::Map(pairs) = reply else { return wrong };
        let field = |name: &str| pairs.iter().find(|(key, _)| key.text() == name).map(|(_, value)| value);
        let is = |name: &str, value: &str| field(name).is_some_and(|field| *field == *format!("'{value}'"));
        if let Some(Value::Int(epoch)) = field("epoch") {
            let leads = is("role", "leader") || (name == "PID.REGISTER" && is("status", "registered"));
            let newer = self.highest(service, sent, leads);
            if *epoch < newer {
                wrong.push(format!("epoch {epoch} after {newer}"));
            }
            if *epoch > newer {
                self.read.entry(service.into()).or_default().push(Epoch {
                    number: *epoch,
                    mark,
                    is_undone: false,
                });
            }
            if leads {
                let before = self.holders.insert((service.into(), *epoch), member.into());
                let other = before.filter(|before| before != member);
                wrong.extend(other.map(|other| format!("epoch {epoch} is that of {other} and of {member}")));
            }
        }
        if let (Some(Value::Int(token)), true) =
            (field("token"), is("status", "registered") || is("status", "replaced"))
        {
            let last = self.tokens.insert((service.into(), member.into()), (*token, mark.read));
            let last = last.filter(|(last, read)| last >= token && *read < sent);
            wrong.extend(last.map(|(last, _)| format!("{member} has token {token} after {last}")));
        }
        wrong
    }

    /// The highest epoch that was read before this moment.
    fn highest(&self, service: &str, moment: u64, also_undone: bool) -> i64 {
        let read = self.read.get(service).into_iter().flatten();
        let before = read.filter(|epoch| epoch.mark.read < moment && (also_undone || !epoch.is_undone));
        before.map(|epoch| epoch.number).max().unwrap_or_default()
    }

    /// In how many epochs somebody was told to lead.
    pub(super) fn epochs(&self) -> usize {
        self.holders.len()
    }

    /// After a fault, only what was sure to stay holds.
    pub(super) fn keep(&mut self, is_sure: impl Fn(Mark) -> bool) {
        for epoch in self.read.values_mut().flatten() {
            epoch.is_undone |= !is_sure(epoch.mark);
        }
    }
}
