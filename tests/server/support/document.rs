//! A document of this project: its parts, and the blocks of programs and sessions in it.

use std::fs;

/// A document, or a part of one.
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// The document at this path, from the top of the project.
    #[track_caller]
    pub fn read(path: &str) -> Document {
        let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        Document {
            name: path.into(),
            text,
        }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The part beneath a heading, given with its `##`, up to the next one of that level or above.
    #[track_caller]
    pub fn part(&self, heading: &str) -> Document {
        let (_, text) = self
            .text
            .split_once(&format!("\n{heading}\n"))
            .unwrap_or_else(|| panic!("no heading {heading} in {}", self.name));
        // One # begins a comment of a program.
        let level = heading.bytes().take_while(|byte| *byte == b'#').count();
        let ends = (2..=level).filter_map(|level| text.find(&format!("\n{} ", "#".repeat(level))));
        let end = ends.min().unwrap_or(text.len());
        Document {
            name: format!("{}, {heading}", self.name),
            text: text[..end].into(),
        }
    }

    /// The headings of a level.
    pub fn headings(&self, level: usize) -> Vec<&str> {
        let start = format!("{} ", "#".repeat(level));
        self.text.lines().filter(|line| line.starts_with(&start)).collect()
    }

    /// The fenced blocks of a language.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let fence = format!("\n```{language}\n");
        let after = self.text.split(&fence).skip(1);
        after
            .map(|text| text.split("\n```").next().unwrap().to_string() + "\n")
            .collect()
    }

    /// The block that has this text.
    #[track_caller]
    pub fn block(&self, language: &str, text: &str) -> String {
        let found = self.blocks(language).into_iter().find(|block| block.contains(text));
        found.unwrap_or_else(|| panic!("no block {language} with {text} in {}", self.name))
    }
}
