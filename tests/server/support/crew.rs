//! The members of a random history: processes that register, send heartbeats, campaign, claim, leave and disconnect.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::client::Client;
use super::random::Random;
use super::value::Value;

const SERVICES: [&str; 3] = ["q", "r", "{t}s"];

/// Tokens as far as they are known, and connections to which something is bound.
pub(crate) struct Crew {
    socket: PathBuf,
    tokens: BTreeMap<(String, String), i64>,
    bound: Vec<Client>,
    /// Whether keys may be of any type.
    pub among_vandals: bool,
}

impl Crew {
    /// An empty crew.
    pub(crate) fn new(socket: PathBuf) -> Crew {
        Crew {
            socket,
            tokens: BTreeMap::new(),
            bound: Vec::new(),
            among_vandals: false,
        }
    }

    /// One step of one of them.
    #[track_caller]
    pub(crate) fn step(&mut self, client: &mut Client, random: &mut Random) {
        let words = self.command(random);
        let reply = if words.contains(" BIND") {
            self.bound(random).call(&words)
        } else {
            client.call(&words)
        };
        if let Value::Error(text) = &reply {
            let code = text.split(' ').next().unwrap_or_default();
            let foreign = self.among_vandals && ["WRONGTYPE", "BADARG"].contains(&code);
            // Only errors that cannot be predicted: who is a member, the leader, or a candidate.
            let about_others = code == "BADARG" && (words.contains(" TO ") || words.contains("MEMBER"));
            let expected = foreign || about_others || ["NOMEMBER", "FENCED"].contains(&code);
            assert!(expected, "{words}: {text}");
        }
        let mut parts = words.split(' ').skip(1).map(String::from);
        let (Value::Map(pairs), Some(service), Some(member)) = (&reply, parts.next(), parts.next()) else {
            return;
        };
        if let Some((_, Value::Int(token))) = pairs.iter().find(|(key, _)| *key == "'token'") {
            self.tokens.insert((service, member), *token);
        }
    }

    /// A connection for something bound; now and then one of them breaks.
    fn bound(&mut self, random: &mut Random) -> &mut Client {
        if self.bound.len() > 5 {
            self.bound.remove(random.below(6));
        }
        if self.bound.is_empty() || random.once_in(2) {
            let mut client = Client::connect(&self.socket).expect("the server runs");
            client.must("HELLO 3");
            self.bound.push(client);
        }
        let last = self.bound.len() - 1;
        &mut self.bound[last]
    }

    fn command(&self, random: &mut Random) -> String {
        let service = *random.pick(&SERVICES);
        let member = format!("w{}", random.below(6));
        let who = format!("{service} {member}");
        let known = self.tokens.get(&(service.into(), member.clone()));
        let token = known.map_or(7, |token| *token);
        let ttl = 100 + 10 * random.below(20);
        let pid = 1 + random.below(5);
        match random.below(24) {
            0..=3 => {
                let mut words = format!("PID.REGISTER {who} {pid}");
                for option in [
                    format!(" HOST h{}", random.below(2)),
                    format!(" START {ttl}"),
                    format!(" BOOT b{}", random.below(2)),
                    format!(" TTL {ttl}"),
                    " BIND".into(),
                    format!(" META 1 k v{ttl}"),
                ] {
                    if random.once_in(2) {
                        words.push_str(&option);
                    }
                }
                words
            }
            4 => format!("PID.REGISTER {who} {pid} TTL {ttl} EXCLUSIVE"),
            5 => format!(
                "PID.REGISTER {who} {pid} TTL {ttl} BIND GRACE {} TOKEN {token}",
                ttl / 2
            ),
            6..=7 => format!("HB.BEAT {who} TOKEN {token}"),
            8 => format!("HB.BEAT {who} TOKEN {token} TTL {ttl} STATUS busy CAMPAIGN"),
            9 => format!("HB.BEAT {service} simple{} TTL {ttl}", random.below(3)),
            10..=12 => format!("HB.CAMPAIGN {who} {token} PRIORITY {}", random.below(3)),
            13 => format!("HB.WITHDRAW {who} {token}"),
            14 => format!("HB.RESIGN {who} {token}"),
            15 => format!("HB.RESIGN {who} {token} TO w{}", random.below(6)),
            16 => format!("PID.DEREGISTER {who} TOKEN {token}"),
            17 => format!("PID.EVICT {who} REASON tired"),
            18 => format!("HB.SIGNAL {who} {}", random.pick(&["quiet", "stop", "none", "rotate"])),
            19 => format!("HB.SIGNAL {service} * {}", random.pick(&["quiet", "none"])),
            20 => format!("TASK.CLAIM {who} COUNT 2 LEASE MEMBER"),
            21 => format!("TASK.CLAIM {who} COUNT 2 LEASE {ttl} BIND"),
            22 => format!("PID.LIST {service}"),
            _ => format!("HB.FENCED {service} 5 SET never 1"),
        }
    }
}
