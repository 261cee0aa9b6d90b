//! The sessions: each command gives what is printed beneath it, but for ids, tokens and times.

use std::collections::BTreeMap;
use std::process::Command;

use super::{blocks, cli};
use crate::support::Server;

/// Runs a command line that begins with redis-cli, on this server and as in a terminal.
fn shell(server: &Server, line: &str) -> String {
    let args = line.strip_prefix("redis-cli ").unwrap();
    let line = format!("{} --no-raw -s \"$SOCKET\" {args}", cli());
    let output = Command::new("sh")
        .args(["-c", &line])
        .env("SOCKET", server.dir().join("s"))
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Words and what is between them.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_ascii_alphanumeric();
        let end = rest
            .find(|c: char| c.is_ascii_alphanumeric() != is_word)
            .unwrap_or(rest.len());
        let (piece, more) = rest.split_at(end);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// Whether a word is an id, a token or a time, or one of these in a header: other in every run.
fn is_volatile(word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    match word.len() {
        13 | 16 => is_number && word.starts_with('1'),
        11 => word.starts_with(['0', '1']),
        9 => word.starts_with("0m"),
        _ => false,
    }
}

/// Volatile words of the README, and what stands for them in this run.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Fails unless the texts are alike but for volatile words, each always standing for the same one.
    fn compare(&mut self, command: &str, expected: &str, actual: &str) {
        let (left, right) = (pieces(expected), pieces(actual));
        let alike = left.len() == right.len()
            && left.iter().zip(&right).all(|(left, right)| {
                left == right
                    || is_volatile(left)
                        && is_volatile(right)
                        && left.len() == right.len()
                        && self.0.entry((*left).into()).or_insert_with(|| (*right).into()) == right
            });
        assert!(alike, "$ {command}\nREADME:\n{expected}\nnow:\n{actual}");
    }

    /// The command with the words of this run.
    fn fill_in(&self, command: &str) -> String {
        let known = |piece: &str| self.0.get(piece).cloned().unwrap_or_else(|| piece.into());
        pieces(command).into_iter().map(known).collect()
    }
}

#[test]
fn the_sessions_are_what_happens() {
    let server = Server::start();
    let mut seen = Seen::default();
    let mut commands = 0;
    for step in blocks("console").concat().split("$ ").skip(1) {
        let (command, expected) = step.split_once('\n').unwrap();
        let actual = shell(&server, &seen.fill_in(command));
        seen.compare(command, expected.trim_end(), &actual);
        commands += 1;
    }
    assert!(commands > 30);
}
