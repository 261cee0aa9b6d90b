//! The replication stream of a server, as a replica receives it, one readable line for each effect.

use std::io::{BufRead, Read};

use super::client::Client;
use super::record;
use super::server::Server;
use super::value::{Value, readable};

/// A replica that only listens.
pub(crate) struct Stream {
    link: Client,
    client: Client,
    marks: u64,
    strings: record::Strings,
}

impl Stream {
    /// Starts to listen; skips the existing data.
    #[track_caller]
    pub(crate) fn of(server: &Server) -> Stream {
        let mut link = server.client_resp2();
        link.send("SYNC");
        let length = loop {
            let mut line = String::new();
            link.stream().read_line(&mut line).expect("a snapshot");
            // Empty lines keep the link alive while the snapshot is made.
            if let Some(length) = line.strip_prefix('$') {
                break length.trim_end().parse().expect("the length of the snapshot");
            }
            assert!(line.trim_end().is_empty(), "SYNC: {line}");
        };
        std::io::copy(&mut link.stream().take(length), &mut std::io::sink()).expect("the snapshot");
        let mut stream = Stream {
            link,
            client: server.client(),
            marks: 0,
            strings: record::Strings::new(),
        };
        stream.take();
        stream
    }

    /// What was sent since the last call: the effects of a record of ours in one line, joined by `; `,
    /// anything else as the words of its command.
    #[track_caller]
    pub(crate) fn take(&mut self) -> Vec<String> {
        let commands = self.take_commands();
        commands.iter().map(|command| self.shown(command)).collect()
    }

    /// Like `take`, with the commands as they were sent.
    #[track_caller]
    pub(crate) fn take_commands(&mut self) -> Vec<Vec<Vec<u8>>> {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        self.client.must(&format!("PUBLISH {mark} x"));
        let mut commands = Vec::new();
        loop {
            let Value::Array(words) = self.link.receive() else {
                panic!("the stream carries commands")
            };
            let command: Vec<Vec<u8>> = words.iter().map(|word| word.bytes().to_vec()).collect();
            let name = command[0].to_ascii_uppercase();
            match name.as_slice() {
                b"PUBLISH" if command[1] == mark.as_bytes() => return commands,
                b"PING" | b"SELECT" | b"REPLCONF" => {}
                _ => commands.push(command),
            }
        }
    }

    /// A command of the stream in one line.
    fn shown(&mut self, command: &[Vec<u8>]) -> String {
        if command[0].eq_ignore_ascii_case(b"steward") {
            assert_eq!(command.len(), 3, "steward has a name and a record");
            let name = readable(&command[1]);
            let effects = record::effects(&name, &command[2], &mut self.strings);
            return format!("{name}: {}", effects.join("; "));
        }
        command.iter().map(|word| readable(word)).collect::<Vec<_>>().join(" ")
    }
}
