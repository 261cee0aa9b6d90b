//! A client that is a member of a service: `s`, whose members campaign, or `x`, where one at a time is let in.

use super::actor::{Part, Shared};
use crate::support::{Random, Value};

/// A member, its token if it has one, and the epoch in which it believes to lead.
pub(super) struct Member {
    service: String,
    name: String,
    token: Option<i64>,
    epoch: Option<i64>,
    must_come_back: bool,
}

impl Member {
    pub(super) fn new(service: &str, name: &str) -> Member {
        Member {
            service: service.into(),
            name: name.into(),
            token: None,
            epoch: None,
            must_come_back: false,
        }
    }

    fn register(&self, random: &mut Random) -> String {
        let mut words = format!(
            "PID.REGISTER {} {} 1 TTL {}",
            self.service,
            self.name,
            100 + random.below(200)
        );
        if random.once_in(2) {
            words.push_str(" BIND");
        }
        if self.service == "x" {
            words.push_str(" EXCLUSIVE");
            if random.once_in(2) {
                words.push_str(" BLOCK 30");
            }
        }
        words
    }

    fn lead(&self, random: &mut Random, token: i64, epoch: i64) -> String {
        let Member { service, name, .. } = self;
        match random.below(20) {
            0 => format!("HB.RESIGN {service} {name} {token}"),
            1 => format!("HB.RESIGN {service} {name} {token} TO m{}", random.below(3)),
            2 => format!("PID.DEREGISTER {service} {name} TOKEN {token}"),
            3..=8 => format!("HB.BEAT {service} {name} TOKEN {token}"),
            _ => format!("HB.FENCED {service} {epoch} SET {{{service}}}written {epoch}"),
        }
    }

    fn follow(&self, random: &mut Random, token: i64) -> String {
        let Member { service, name, .. } = self;
        match random.below(20) {
            0 => format!("HB.WITHDRAW {service} {name} {token}"),
            1 => format!("PID.DEREGISTER {service} {name} TOKEN {token}"),
            2..=3 => format!("HB.BEAT {service} {name} TOKEN {token} STATUS idle"),
            4..=7 => format!(
                "HB.BEAT {service} {name} TOKEN {token} CAMPAIGN PRIORITY {}",
                random.below(3)
            ),
            8..=11 => format!("HB.CAMPAIGN {service} {name} {token} BLOCK {}", 1 + random.below(30)),
            _ => format!("HB.CAMPAIGN {service} {name} {token}"),
        }
    }
}

impl Part for Member {
    fn next(&mut self, random: &mut Random, _: &mut Shared) -> Option<String> {
        let Member { service, name, .. } = self;
        match random.below(60) {
            0 => return None,
            1 => {
                return Some(format!(
                    "PID.EVICT {service} {}{} REASON chaos",
                    &name[..1],
                    random.below(3)
                ));
            }
            2 => return Some(format!("HB.SIGNAL {service} * {}", random.pick(&["quiet", "none"]))),
            3..=8 => return Some(format!("HB.LEADER {service}")),
            _ => {}
        }
        Some(match (self.token, self.epoch) {
            (None, _) => self.register(random),
            (Some(token), _) if std::mem::take(&mut self.must_come_back) => {
                format!("{} TOKEN {token}", self.register(random))
            }
            (Some(token), Some(epoch)) => self.lead(random, token, epoch),
            (Some(token), None) => self.follow(random, token),
        })
    }

    fn told(&mut self, words: &str, reply: &Value) {
        let name = words.split(' ').next().unwrap_or_default();
        match name {
            _ if reply.is_error() => {
                self.epoch = None;
                if words.split(' ').nth(2) == Some(&self.name) {
                    self.token = None;
                }
            }
            "PID.DEREGISTER" => (self.token, self.epoch) = (None, None),
            "HB.RESIGN" => self.epoch = None,
            "PID.REGISTER" | "HB.BEAT" | "HB.CAMPAIGN" if *reply != Value::Null => {
                let leads = if name == "PID.REGISTER" {
                    if let Value::Int(token) = reply.field("token") {
                        self.token = Some(*token);
                    }
                    reply.field("status") != "'held'"
                } else {
                    reply.field("role") == "'leader'"
                };
                self.epoch = match reply.field("epoch") {
                    Value::Int(epoch) if leads => Some(*epoch),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn reconnected(&mut self) {
        self.must_come_back = true;
    }
}
