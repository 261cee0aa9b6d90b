//! The help of a family: every command with its arguments.

use std::collections::BTreeMap;

use lazy_static::lazy_static;

use crate::command::{Access, Keys, Spec};
use crate::commands::{Visitor, visit_all};
use crate::reply::Reply;
use crate::tx::Command;

/// The declaration of the HELP of a family.
pub(crate) const fn spec(name: &'static str, summary: &'static str) -> Spec {
    Spec {
        name,
        summary,
        complexity: "O(1)",
        access: Access::Read,
        blocking: false,
        keys: Keys::None,
        args: &[],
        reply: "array of lines",
    }
}

/// The lines of the family, such as `TASK`.
pub(crate) fn lines(family: &str) -> Reply {
    let lines = LINES.get(family).map(Vec::as_slice).unwrap_or_default();
    Reply::Array(lines.iter().map(|line| Reply::text(line.as_str())).collect())
}

lazy_static! {
    /// The same for every call: made once.
    static ref LINES: BTreeMap<&'static str, Vec<String>> = {
        let mut lines = Lines::default();
        visit_all(&mut lines);
        lines.0
    };
}

#[derive(Default)]
struct Lines(BTreeMap<&'static str, Vec<String>>);

impl Visitor for Lines {
    fn visit<C: Command>(&mut self) {
        if let Some((family, _)) = C::SPEC.name.split_once('.') {
            let lines = self.0.entry(family).or_default();
            lines.push(C::SPEC.syntax());
            lines.push(format!("    {}", C::SPEC.summary));
        }
    }
}
