//! One connection to a server.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::value::Value;
use super::wait_until;

/// A reply that takes longer fails the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection. Closed when dropped, as that of a killed process.
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects in RESP2 or RESP3.
    pub(crate) fn connect(socket: &Path) -> Option<Client> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Some(Client {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a command given as words separated by blanks, and waits for its reply.
    #[track_caller]
    pub(crate) fn call(&mut self, words: &str) -> Value {
        self.send(words);
        self.receive()
    }

    /// Like `call`, for a reply that must not be an error.
    #[track_caller]
    pub(crate) fn must(&mut self, words: &str) -> Value {
        let reply = self.call(words);
        assert!(!reply.is_error(), "{words}: {reply}");
        reply
    }

    /// Writes a snapshot, once the one that a replica may still be getting is over.
    #[track_caller]
    pub(crate) fn save(&mut self) {
        wait_until("it is saved", || self.call("SAVE") == "+OK");
    }

    /// Sends a command of any bytes, and waits for its reply.
    #[track_caller]
    pub(crate) fn call_args<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Value {
        self.send_args(args);
        self.receive()
    }

    /// Sends a command and does not wait.
    #[track_caller]
    pub(crate) fn send(&mut self, words: &str) {
        self.send_args(&words.split_whitespace().collect::<Vec<_>>());
    }

    /// Like `call`, or the error of a broken connection.
    pub(crate) fn try_call(&mut self, words: &str) -> std::io::Result<Value> {
        self.try_send(words)?;
        self.try_receive()
    }

    /// Like `send`, or the error of a broken connection.
    pub(crate) fn try_send(&mut self, words: &str) -> std::io::Result<()> {
        let mut out = Vec::new();
        encode(&words.split_whitespace().collect::<Vec<_>>(), &mut out);
        self.stream.get_mut().write_all(&out)
    }

    /// Sends a command of any bytes and does not wait.
    #[track_caller]
    pub(crate) fn send_args<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        let mut out = Vec::new();
        encode(args, &mut out);
        self.stream
            .get_mut()
            .write_all(&out)
            .expect("the server takes commands");
    }

    /// Sends many commands at once and reads all replies.
    #[track_caller]
    pub(crate) fn pipeline(&mut self, commands: impl IntoIterator<Item = String>) -> Vec<Value> {
        const AT_ONCE: usize = 1_000;
        let mut commands = commands.into_iter().peekable();
        let mut replies = Vec::new();
        while commands.peek().is_some() {
            let mut out = Vec::new();
            let mut sent = 0;
            for words in commands.by_ref().take(AT_ONCE) {
                encode(&words.split_whitespace().collect::<Vec<_>>(), &mut out);
                sent += 1;
            }
            self.stream
                .get_mut()
                .write_all(&out)
                .expect("the server takes commands");
            replies.extend((0..sent).map(|_| self.receive()));
        }
        replies
    }

    /// The next reply.
    #[track_caller]
    pub(crate) fn receive(&mut self) -> Value {
        self.try_receive().expect("a reply")
    }

    /// The next reply, or why there is none: the connection closed, or the timeout ran out.
    pub(crate) fn try_receive(&mut self) -> std::io::Result<Value> {
        Value::read(&mut self.stream)
    }

    /// Whether nothing has arrived so far.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.get_ref().set_nonblocking(true).unwrap();
        let silent = matches!(self.stream.fill_buf(), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.stream.get_ref().set_nonblocking(false).unwrap();
        silent
    }

    /// Whether the server has closed this connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.stream.get_ref().set_nonblocking(true).unwrap();
        let closed = match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.stream.get_ref().set_nonblocking(false).unwrap();
        closed
    }

    /// The connection's id.
    #[track_caller]
    pub(crate) fn id(&mut self) -> i64 {
        self.call("CLIENT ID").int()
    }

    /// Does this step and, before writes are allowed again, kills the client of this id, whose connection is `gone`.
    #[track_caller]
    pub(crate) fn kill_as_writes_pause(&mut self, step: &str, gone: &mut Client, id: i64) {
        self.must("MULTI");
        self.must(step);
        self.must(&format!("CLIENT KILL ID {id}"));
        self.must("CLIENT PAUSE 60000 WRITE");
        self.must("EXEC");
        wait_until("it is closed", || gone.is_closed());
    }

    /// The raw connection, for anything but RESP.
    pub(crate) fn stream(&mut self) -> &mut BufReader<UnixStream> {
        &mut self.stream
    }
}

fn encode<A: AsRef<[u8]>>(args: &[A], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}
