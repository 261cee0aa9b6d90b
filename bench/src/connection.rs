//! A client connection with as much RESP2 as the measurements need.

use crate::Result;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longer than any step of a measurement; a server that is silent for that long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// Open files besides the many connections.
const OTHER_FILES: usize = 100;

/// Allows this process that many open connections.
pub fn allow_open_files(connections: usize) -> Result<()> {
    let needed = (connections + OTHER_FILES) as u64;
    if rlimit::increase_nofile_limit(needed)? < needed {
        return Err(format!("{needed} open files are needed; raise the limit with ulimit -n").into());
    }
    Ok(())
}

/// A reply. An error is never one of these: it is an `Err` of `receive`.
pub enum Reply {
    /// A null bulk string or a null array.
    Null,
    /// A status, an integer or a bulk string.
    Text(String),
    /// An array, or a map as keys and values in turn.
    Array(Vec<Reply>),
}

impl Reply {
    /// The text; empty for anything else.
    pub fn text(&self) -> String {
        if let Reply::Text(text) = self {
            text.clone()
        } else {
            String::new()
        }
    }

    /// The text as a number; 0 for anything else.
    pub fn number(&self) -> f64 {
        self.text().parse().unwrap_or(0.0)
    }

    /// The items of an array; none for anything else.
    pub fn items(&self) -> &[Reply] {
        if let Reply::Array(items) = self { items } else { &[] }
    }

    /// A field of a map; null when it is not there.
    pub fn field(&self, name: &str) -> &Reply {
        let mut pairs = self
            .items()
            .chunks_exact(2)
            .filter(|pair| pair.first().is_some_and(|key| key.text() == name));
        pairs.next().and_then(|pair| pair.last()).unwrap_or(&Reply::Null)
    }
}

/// Either kind of socket.
trait Stream: Read + Write + Send {}

impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// An open connection, with its unread input.
pub struct Connection {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    used: usize,
}

impl Connection {
    /// Connects to this port of the loopback interface.
    pub fn open(port: u16) -> Result<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection::new(stream))
    }

    /// Connects to this unix socket: thousands of connections use up no ports.
    pub fn open_socket(path: &Path) -> Result<Connection> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection::new(stream))
    }

    fn new(stream: impl Stream + 'static) -> Connection {
        Connection {
            stream: Box::new(stream),
            input: Vec::new(),
            used: 0,
        }
    }

    /// Sends a command of words without spaces and returns its reply.
    pub fn command(&mut self, line: &str) -> Result<Reply> {
        self.call(&line.split(' ').collect::<Vec<_>>())
    }

    /// Sends a command and returns its reply.
    pub fn call(&mut self, words: &[&str]) -> Result<Reply> {
        let mut request = Vec::new();
        encode_words(&mut request, words);
        self.send(&request)?;
        self.receive()
    }

    /// Sends encoded commands.
    pub fn send(&mut self, requests: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(requests)?)
    }

    /// The next reply.
    pub fn receive(&mut self) -> Result<Reply> {
        loop {
            let mut rest = self.input.get(self.used..).unwrap_or_default();
            let unread = rest.len();
            if let Some(reply) = parse(&mut rest)? {
                self.used += unread - rest.len();
                return Ok(reply);
            }
            self.input.drain(..self.used);
            self.used = 0;
            let mut chunk = [0; 16 * 1024];
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                return Err("the server closed the connection".into());
            }
            self.input.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
    }
}

/// Appends a command of words without spaces; returns the number of its replies, which is 1.
pub fn encode(out: &mut Vec<u8>, line: &str) -> usize {
    encode_words(out, &line.split(' ').collect::<Vec<_>>());
    1
}

fn encode_words(out: &mut Vec<u8>, words: &[&str]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// Takes one reply off the front of `input`; `None` when it is not all there yet.
fn parse(input: &mut &[u8]) -> Result<Option<Reply>> {
    let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let Some((kind, text)) = take(input, end).and_then(|line| line.split_first()) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(text).into_owned();
    match kind {
        b'+' | b':' => Ok(Some(Reply::Text(text))),
        b'$' | b'*' if text == "-1" => Ok(Some(Reply::Null)),
        b'$' => Ok(take(input, text.parse()?).map(|bytes| Reply::Text(String::from_utf8_lossy(bytes).into_owned()))),
        b'*' => {
            let items = (0..text.parse()?)
                .map(|_| parse(input))
                .collect::<Result<Option<Vec<_>>>>()?;
            Ok(items.map(Reply::Array))
        }
        _ => Err(text.into()),
    }
}

/// Takes that many bytes and the line end after them.
fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest.get(2..)?;
    Some(bytes)
}
