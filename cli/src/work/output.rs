//! What a program writes: passed on line by line, and kept for its result or its error.

use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::thread::JoinHandle;

use serde_json::json;

use super::claim::Claim;
use super::outcome::{MAX_ERROR, MAX_RESULT};
use crate::args::Output;

/// A longer line is passed on in pieces.
const MAX_LINE: u64 = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

/// What was written.
pub(super) struct Written {
    /// All that was written to standard output, the last of what was written to standard error.
    pub bytes: Vec<u8>,
    /// There was more output than is kept: nothing of it is.
    pub is_too_long: bool,
}

/// Reads a stream to its end in a thread.
pub(super) fn follow(from: PipeReader, claim: &Claim, stream: Stream, form: Output) -> io::Result<JoinHandle<Written>> {
    let (queue, id) = (claim.queue.clone(), claim.id.clone());
    std::thread::Builder::new().spawn(move || {
        let mut from = BufReader::new(from);
        let mut written = Written {
            bytes: Vec::new(),
            is_too_long: false,
        };
        let mut line = Vec::new();
        while matches!((&mut from).take(MAX_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            written.keep(&line, stream);
            pass_on(&label(&queue, &id, stream, form, &line), stream);
            line.clear();
        }
        written
    })
}

impl Written {
    fn keep(&mut self, line: &[u8], stream: Stream) {
        match stream {
            Stream::Output if self.is_too_long => {}
            Stream::Output if self.bytes.len() + line.len() > MAX_RESULT => {
                self.is_too_long = true;
                self.bytes = Vec::new();
            }
            Stream::Output => self.bytes.extend(line),
            Stream::Error => {
                self.bytes.extend(line);
                let over = self.bytes.len().saturating_sub(2 * MAX_ERROR);
                self.bytes.drain(..over);
            }
        }
    }
}

fn label(queue: &str, id: &str, stream: Stream, form: Output, line: &[u8]) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    match form {
        Output::Text => [format!("{queue} {id}: ").as_bytes(), line, b"\n"].concat(),
        Output::Json => {
            let name = if stream == Stream::Output { "stdout" } else { "stderr" };
            let line = String::from_utf8_lossy(line);
            let object = json!({"queue": queue, "id": id, "stream": name, "line": line});
            format!("{object}\n").into_bytes()
        }
    }
}

/// A line in one piece. That nobody reads it is no failure of ours.
fn pass_on(line: &[u8], stream: Stream) {
    let _ = match stream {
        Stream::Output => {
            let mut output = io::stdout().lock();
            output.write_all(line).and_then(|()| output.flush())
        }
        Stream::Error => io::stderr().lock().write_all(line),
    };
}
