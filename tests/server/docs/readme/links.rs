//! The README and the manual are consistent: links, headings, the summary, and a README that stays short.

use std::path::{Component, Path, PathBuf};

use crate::support::{Document, files};

/// The lines outside fenced blocks.
fn unfenced(page: &Document) -> Vec<&str> {
    let mut is_inside = false;
    let outside = page.text().lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_inside ^= is_fence;
        !is_inside && !is_fence
    });
    outside.collect()
}

/// Where the links of a page lead, without those to other hosts.
fn links(page: &Document) -> Vec<String> {
    let text = unfenced(page).join("\n");
    // Code spans contain no links.
    let prose: String = text.split('`').step_by(2).collect();
    let targets = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let here = targets.filter(|target| !target.contains("://"));
    here.map(String::from).collect()
}

/// The fragment of a link to a heading, by the rule of GitHub and mdBook.
fn anchor(heading: &str) -> String {
    let title = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The file that a link on a page leads to, from the top of the project.
fn target(page: &Document, file: &str) -> PathBuf {
    if file.is_empty() {
        return page.name().into();
    }
    let mut path = PathBuf::new();
    for part in Path::new(page.name()).with_file_name(file).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{}: {file} is outside", page.name()),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut followed = 0;
    for page in Document::all() {
        for link in links(&page) {
            let (file, wanted) = link.split_once('#').unwrap_or((&link, ""));
            let path = target(&page, file);
            let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists();
            assert!(is_there, "{}: {link}", page.name());
            if !wanted.is_empty() {
                let there = Document::read(path.to_str().unwrap());
                let headings = unfenced(&there).into_iter().filter(|line| line.starts_with('#'));
                assert!(
                    headings.map(anchor).any(|anchor| anchor == wanted),
                    "{}: {link}",
                    page.name()
                );
            }
            followed += 1;
        }
    }
    assert!(followed > 100, "{followed}");
}

#[test]
fn the_summary_names_every_page_once() {
    let summary = Document::read("docs/SUMMARY.md");
    let mut named: Vec<PathBuf> = links(&summary).iter().map(|link| target(&summary, link)).collect();
    named.sort();
    let mut pages = files("docs", "md");
    pages.retain(|page| page != Path::new(summary.name()));
    assert_eq!(named, pages);
}

#[test]
fn every_guide_ends_with_where_the_reference_is() {
    for page in files("docs/guides", "md") {
        let page = Document::read(page.to_str().unwrap());
        let last = page.text().trim_end().rsplit("\n\n").next().unwrap();
        assert!(
            last.starts_with("Reference: [") && last.contains("](../"),
            "{}",
            page.name()
        );
    }
}

#[test]
fn the_readme_is_short() {
    let readme = Document::read("README.md");
    let (lines, words) = (readme.text().lines().count(), readme.text().split_whitespace().count());
    assert!(lines <= 200 && words <= 1_300, "{lines} lines, {words} words");
}
