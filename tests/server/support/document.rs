//! A document of this project: its parts, and the blocks of programs and sessions in it.

use std::fs;
use std::path::{Path, PathBuf};

/// The files with an extension in a folder and those beneath it, by their paths from the top of the project.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![top.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(top).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// A document, or a part of one.
pub(crate) struct Document {
    name: String,
    text: String,
}

impl Document {
    /// The document at this path, from the top of the project.
    #[track_caller]
    pub(crate) fn read(path: &str) -> Document {
        let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        Document {
            name: path.into(),
            text,
        }
    }

    /// The README, the pages beside it and all pages of the manual.
    pub(crate) fn all() -> Vec<Document> {
        let pages = files("docs", "md");
        let pages = pages.iter().map(|page| page.to_str().unwrap());
        ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
            .into_iter()
            .chain(pages)
            .map(Document::read)
            .collect()
    }

    /// Its path from the top of the project; of a part also its heading.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The part beneath a heading, given with its `##`, up to the next one of that level or above.
    #[track_caller]
    pub(crate) fn part(&self, heading: &str) -> Document {
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
    pub(crate) fn headings(&self, level: usize) -> Vec<&str> {
        let start = format!("{} ", "#".repeat(level));
        self.text.lines().filter(|line| line.starts_with(&start)).collect()
    }

    /// The fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let fence = format!("\n```{language}\n");
        let after = self.text.split(&fence).skip(1);
        after
            .map(|text| text.split("\n```").next().unwrap().to_string() + "\n")
            .collect()
    }

    /// The block that has this text.
    #[track_caller]
    pub(crate) fn block(&self, language: &str, text: &str) -> String {
        let found = self.blocks(language).into_iter().find(|block| block.contains(text));
        found.unwrap_or_else(|| panic!("no block {language} with {text} in {}", self.name))
    }
}
