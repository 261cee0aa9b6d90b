//! The usage line of a command, from its declaration.

use super::arg::{Arg, Kind};
use super::spec::Spec;

impl Spec {
    /// The usage line: `TASK.CLAIM queue worker [COUNT n] ...`.
    pub(crate) fn syntax(&self) -> String {
        let mut out = self.name.to_string();
        for arg in self.args {
            out.push(' ');
            arg.push_syntax(&mut out);
        }
        out
    }
}

impl Arg {
    /// What is written when it is given.
    pub(crate) fn inner_syntax(&self) -> String {
        let mut out = String::new();
        self.push_inner(&mut out);
        out
    }

    fn push_syntax(&self, out: &mut String) {
        let (open, close) = match self.kind {
            Kind::Either(_) => ("(", ")"),
            _ if self.is_option() => ("[", "]"),
            _ => ("", ""),
        };
        out.push_str(open);
        match &self.kind {
            Kind::OneOf(options) | Kind::Either(options) => {
                for (position, option) in options.iter().enumerate() {
                    if position > 0 {
                        out.push_str(" | ");
                    }
                    option.push_inner(out);
                }
            }
            _ => self.push_inner(out),
        }
        out.push_str(close);
        if let Kind::Repeated(_) = self.kind {
            out.push_str(" ...");
        }
    }

    fn push_inner(&self, out: &mut String) {
        if let Some(word) = self.word {
            out.push_str(word);
            if !matches!(self.kind, Kind::Flag) {
                out.push(' ');
            }
        }
        match &self.kind {
            Kind::Words(words) => out.push_str(&words.join("|")),
            Kind::Flag => {}
            Kind::Int(0, 9, _) => out.push_str("0-9"),
            Kind::IntOr(_, _, _, word) => {
                out.push_str(self.name);
                out.push('|');
                out.push_str(word);
            }
            Kind::Group(args) | Kind::Shared(args) | Kind::Repeated(args) => push_all(args, out),
            Kind::Many(args) | Kind::ManyBefore(args, _) | Kind::AsMany(args) => {
                push_all(args, out);
                out.push(' ');
                push_more(args, out);
            }
            Kind::Any(args) => push_more(args, out),
            Kind::Counted(least, _, args) => {
                out.push_str(self.name);
                out.push(' ');
                if *least > 0 {
                    push_all(args, out);
                    out.push(' ');
                }
                push_more(args, out);
            }
            _ => out.push_str(self.name),
        }
    }
}

fn push_all(args: &[Arg], out: &mut String) {
    for (position, arg) in args.iter().enumerate() {
        if position > 0 {
            out.push(' ');
        }
        arg.push_syntax(out);
    }
}

/// These, as often as one likes.
fn push_more(args: &[Arg], out: &mut String) {
    out.push('[');
    push_all(args, out);
    out.push_str(" ...]");
}
