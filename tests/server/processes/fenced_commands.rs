//! HB.FENCED with every command of the server inside.

use crate::support::{Client, Server, Value};

/// Every command of the server (subcommands such as `CLIENT KILL` separately), with as many words as it requires.
#[track_caller]
fn every_command(client: &mut Client) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for command in client.must("COMMAND").items() {
        let arity = |info: &Value| usize::try_from(info.item(1).int().abs()).unwrap();
        let parts = command.items().get(9).map(Value::items).unwrap_or_default();
        if parts.is_empty() {
            found.push((command.item(0).text(), arity(command) - 1));
        }
        for part in parts {
            found.push((part.item(0).text().replace('|', " "), arity(part) - 2));
        }
    }
    found
}

#[test]
fn whatever_command_is_inside_is_answered() {
    let server = Server::start();
    let mut client = server.client();
    let commands = every_command(&mut client);
    assert!(commands.len() > 300, "{}", commands.len());
    let mut refused = 0;
    for (name, arity) in commands {
        for fill in ["s", "1", "k 0"] {
            let epoch = client.must("HB.BEAT s a TTL 60000 CAMPAIGN").field("epoch").int();
            let words = format!("{name} {}", vec![fill; arity].join(" "));
            let reply = client.call(&format!("HB.FENCED s {epoch} {words}"));
            let text = reply.to_string();
            assert!(!text.starts_with("-ERR internal"), "{words}: {text}");
            refused += usize::from(text.starts_with("-BADARG "));
            let script = "return redis.pcall('HB.FENCED', KEYS[1], ARGV[1], unpack(ARGV, 2)) and 1 or 0";
            let epoch = epoch.to_string();
            let mut call = vec!["EVAL", script, "1", "s", &epoch];
            call.extend(words.split_whitespace());
            client.call_args(&call);
            assert_eq!(client.call("PING"), "+PONG", "{words}");
            client.must("FLUSHALL");
        }
    }
    assert!(refused > 100, "{refused}");
}
