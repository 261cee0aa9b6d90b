//! Shorthands for commands on a service.

use super::client::Client;
use super::server::Server;
use super::value::Value;
use super::wait_until;

impl Client {
    /// PID.REGISTER; returns the token of the member.
    #[track_caller]
    pub(crate) fn register(&mut self, words: &str) -> i64 {
        self.must(&format!("PID.REGISTER {words}")).field("token").int()
    }

    /// HB.CAMPAIGN; returns the role.
    #[track_caller]
    pub(crate) fn campaign(&mut self, words: &str) -> String {
        self.must(&format!("HB.CAMPAIGN {words}")).field("role").text()
    }

    /// The names of the members of a service, in the order of PID.LIST.
    #[track_caller]
    pub(crate) fn members(&mut self, service: &str) -> Vec<String> {
        let page = self.must(&format!("PID.LIST {service} COUNT 1000"));
        assert_eq!(page.item(0), "'0'");
        let members = page.item(1).items().iter();
        members.map(|member| member.field("member").text()).collect()
    }

    /// Some fields of PID.GET: `state 'up', role 'member'`.
    #[track_caller]
    pub(crate) fn member(&mut self, service: &str, member: &str, fields: &str) -> String {
        let shown = self.must(&format!("PID.GET {service} {member}"));
        if shown == Value::Null {
            return "gone".into();
        }
        let fields: Vec<String> = fields
            .split_whitespace()
            .map(|name| format!("{name} {}", shown.field(name)))
            .collect();
        fields.join(", ")
    }

    /// Who leads: `a 1700000000000000`, or "nobody".
    #[track_caller]
    pub(crate) fn leader(&mut self, service: &str) -> String {
        match self.must(&format!("HB.LEADER {service}")) {
            Value::Null => "nobody".into(),
            leader => format!("{} {}", leader.field("member").text(), leader.field("epoch").int()),
        }
    }

    /// The epoch of the current leader.
    #[track_caller]
    pub(crate) fn epoch(&mut self, service: &str) -> i64 {
        self.must(&format!("HB.LEADER {service}")).field("epoch").int()
    }

    /// The events of a service, one line each, without empty fields, pid and host: `down a reason=ttl`.
    #[track_caller]
    pub(crate) fn events(&mut self, service: &str) -> Vec<String> {
        let key = if service.contains('{') {
            format!("proc:{service}:events")
        } else {
            format!("proc:{{{service}}}:events")
        };
        let entries = self.must(&format!("XRANGE {key} - +"));
        let line = |entry: &Value| {
            let fields = entry.item(1);
            let field = |name: &str| fields.field(name).text();
            let mut line = format!("{} {}", field("type"), field("member"));
            for name in ["epoch", "reason"] {
                if !field(name).is_empty() {
                    line.push_str(&format!(" {name}={}", field(name)));
                }
            }
            line
        };
        entries.items().iter().map(line).collect()
    }

    /// Lets this many milliseconds of the server's own time pass: the TTL of a member without heartbeats.
    #[track_caller]
    pub(crate) fn let_pass(&mut self, ms: u32) {
        self.must(&format!("HB.BEAT the-clock marker TTL {ms}"));
        assert_eq!(self.call("PID.AWAIT the-clock marker DOWN BLOCK 0"), "1");
    }
}

impl Server {
    /// A connection blocked by `words`; returns once it is.
    #[track_caller]
    pub(crate) fn waiter(&self, words: &str) -> Client {
        let mut client = self.client();
        self.wait_with(&mut client, words);
        client
    }

    /// Sends `words` on this connection and returns once it is blocked.
    #[track_caller]
    pub(crate) fn wait_with(&self, client: &mut Client, words: &str) {
        let mut observer = self.client();
        let before = observer.blocked_clients();
        client.send(words);
        wait_until("the client waits", || observer.blocked_clients() == before + 1);
    }
}
