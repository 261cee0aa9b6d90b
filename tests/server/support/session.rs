//! The sessions of a document: each command prints what is shown beneath it, except for ids, tokens and times.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::client::PATIENCE;
use super::folder::Folder;
use super::server::Server;

/// A reader of a document who types what it shows.
pub(crate) struct Session {
    folder: Folder,
    seen: Seen,
    passed_over: Vec<String>,
}

impl Session {
    /// Types at this server.
    pub(crate) fn at(server: &Server) -> Session {
        Session {
            folder: Folder::new(server),
            seen: Seen::default(),
            passed_over: Vec::new(),
        }
    }

    /// Types at another server from now on.
    pub(crate) fn go_to(&mut self, server: &Server) {
        self.folder = Folder::new(server);
    }

    /// Replaces a word of the document: a port, a process id.
    pub(crate) fn let_be(&mut self, word: &str, here: &str) {
        self.seen.words.insert(word.into(), here.into());
    }

    /// A number of the document that differs in every run.
    pub(crate) fn let_vary(&mut self, number: &str) {
        self.seen.varying.push(number.into());
    }

    /// Lines that may come or not, by how they start.
    pub(crate) fn pass_over(&mut self, starts: &[&str]) {
        self.passed_over = starts.iter().map(|start| (*start).into()).collect();
    }

    /// Types the commands of a block and compares what they print; returns how many there were. INFO reports ongoing
    /// work, so it is repeated until it is as shown.
    #[track_caller]
    pub(crate) fn run(&mut self, block: &str) -> usize {
        let block = format!("\n{block}");
        let mut commands = 0;
        for step in block.split("\n$ ").skip(1) {
            let (command, expected) = step.split_once('\n').unwrap_or((step, ""));
            let begun = Instant::now();
            loop {
                let actual = self.shell(&self.seen.fill_in(command));
                if self.seen.is_alike(expected.trim_end(), &actual) {
                    break;
                }
                let may_change = command.starts_with("redis-cli INFO ") && begun.elapsed() < PATIENCE;
                assert!(may_change, "$ {command}\nin the document:\n{expected}\nnow:\n{actual}");
                std::thread::sleep(Duration::from_millis(10));
            }
            commands += 1;
        }
        commands
    }

    /// Runs a command line as in a terminal, where redis-cli shows types unless its output goes into a pipe.
    #[track_caller]
    fn shell(&self, line: &str) -> String {
        let form = if line.contains(" | ") { "" } else { "--no-raw" };
        let output = self
            .folder
            .command("sh")
            .args(["-c", line])
            .env("FORM", form)
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.is_empty(), "{line}: {complaint}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines = lines.lines().map(str::trim_end);
        let lines = lines.filter(|line| !self.passed_over.iter().any(|start| line.starts_with(start)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Splits into words and what is between them.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_ascii_alphanumeric();
        let end = rest
            .find(|c: char| c.is_ascii_alphanumeric() != is_word)
            .unwrap_or(rest.len());
        // The second half of a header: worker and lease, fence, moments.
        let end = if is_word && end == 36 { 10 } else { end };
        let end = if is_word && end == 26 { 11 } else { end };
        let (piece, more) = rest.split_at(end);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word is an id, a token or a time, or one of these in a header: different in every run.
fn is_volatile(word: &str) -> bool {
    match word.len() {
        13 | 16 => is_number(word) && word.starts_with('1'),
        10 => word.starts_with("0000"),
        11 => word.starts_with(['0', '1']),
        15 => word.starts_with("0m"),
        _ => false,
    }
}

/// Whether an entry of a stream is being named: next is how many came before it in the same millisecond.
fn is_within_an_id(pieces: &[&str]) -> bool {
    matches!(pieces, [.., ms, "-"] if ms.len() == 13 && is_volatile(ms))
}

/// Volatile words of the document, and their values in this run.
#[derive(Default)]
struct Seen {
    words: BTreeMap<String, String>,
    varying: Vec<String>,
}

impl Seen {
    /// Whether the texts are the same except for volatile words, each with the same value throughout.
    fn is_alike(&mut self, expected: &str, actual: &str) -> bool {
        let (shown, right) = (pieces(expected), pieces(actual));
        let mut words = self.words.clone();
        let alike = shown.len() == right.len()
            && shown.iter().zip(&right).enumerate().all(|(at, (left, right))| {
                if let Some(known) = words.get(*left) {
                    return known == right;
                }
                let is_new = is_volatile(left) && is_volatile(right) && left.len() == right.len();
                if is_new {
                    words.insert((*left).into(), (*right).into());
                }
                let may_vary = || self.varying.iter().any(|varying| varying == left) || is_within_an_id(&shown[..at]);
                is_new || left == right || is_number(right) && may_vary()
            });
        if alike {
            self.words = words;
        }
        alike
    }

    /// The command with the words of this run.
    fn fill_in(&self, command: &str) -> String {
        let known = |piece: &str| self.words.get(piece).cloned().unwrap_or_else(|| piece.into());
        pieces(command).into_iter().map(known).collect()
    }
}
