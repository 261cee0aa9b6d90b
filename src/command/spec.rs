//! The declaration of a command.

use super::arg::{Arg, Kind};

/// The version of the module that introduced the commands.
pub(crate) const SINCE: &str = "0.1.0";

/// The declaration of a command.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Full name, upper case; a space before a subcommand: `TASK.CONFIG GET`.
    pub name: &'static str,
    /// One sentence for COMMAND DOCS and the manual.
    pub summary: &'static str,
    /// Cost, in O notation.
    pub complexity: &'static str,
    /// What it may do to the data, which decides the checks that the server makes.
    pub access: Access,
    /// Whether it may block its client.
    pub blocking: bool,
    /// Position of the queue names.
    pub keys: Keys,
    /// The arguments after the name, in order; options (with a word) last.
    pub args: &'static [Arg],
    /// What it replies.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the manual, which a test writes"))]
    pub reply: &'static str,
    /// The errors that it may answer besides those that any command may: the code of each, and when.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the manual, which a test writes"))]
    pub errors: &'static [(&'static str, &'static str)],
}

/// What a command may do to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads only.
    Read,
    /// Waits for, returns or changes work; also runs when memory is full.
    Write,
    /// Adds work; refused when memory is full.
    Grow,
}

/// Position of the queue names among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The command takes no queue.
    None,
    /// The first argument.
    First,
    /// The first argument is a count, followed by that many names.
    Counted,
}

impl Spec {
    /// How many words the command's name has: two for a subcommand.
    pub(crate) const fn words(&self) -> usize {
        let mut rest = self.name.as_bytes();
        let mut words = 1;
        while let [byte, more @ ..] = rest {
            words += (*byte == b' ') as usize;
            rest = more;
        }
        words
    }

    /// The arity as Redis counts it: including the words of the name, negative when more may follow.
    pub(crate) fn arity(&self) -> i32 {
        let mut least = i32::try_from(self.name.split(' ').count()).unwrap_or(1);
        let open = count(self.args, &mut least);
        if open { -least } else { least }
    }

    /// The flags RedisModule_CreateCommand takes.
    pub(crate) fn flags(&self) -> String {
        let mut flags = match self.access {
            Access::Read => "readonly",
            Access::Write => "write",
            Access::Grow => "write deny-oom",
        }
        .to_string();
        if self.blocking {
            flags.push_str(" blocking");
        }
        if self.complexity.starts_with("O(1)") && !self.blocking {
            flags.push_str(" fast");
        }
        flags
    }

    /// The categories of the ACL that it is in, as RedisModule_SetCommandACLCategories takes them.
    pub(crate) fn categories(&self) -> String {
        let mut categories = match self.access {
            Access::Read => "read",
            Access::Write | Access::Grow => "write",
        }
        .to_string();
        if self.blocking {
            categories.push_str(" blocking");
        }
        categories.push_str(if self.flags().contains("fast") {
            " fast"
        } else {
            " slow"
        });
        categories
    }

    /// What COMMAND INFO tells clients beyond the flags. The key that a read names is never written, only those that are
    /// derived from it: a client that keeps replies by their key would never learn of a change.
    pub(crate) fn tips(&self) -> &'static str {
        match (self.access, self.keys) {
            (Access::Read, Keys::None) if self.args.is_empty() => "",
            (Access::Read, Keys::None) => {
                "nondeterministic_output dont_cache request_policy:all_shards response_policy:special"
            }
            (Access::Read, _) => "nondeterministic_output dont_cache",
            _ => "",
        }
    }
}

/// Adds the minimum number of words that these need; whether more may follow.
fn count(args: &[Arg], least: &mut i32) -> bool {
    let mut open = false;
    for arg in args {
        open |= match &arg.kind {
            Kind::Shared(args) => count(args, least),
            Kind::Either(_) => {
                // A keyword and its value.
                *least += 2;
                true
            }
            _ if arg.is_option() => true,
            Kind::Many(items) | Kind::ManyBefore(items, _) | Kind::AsMany(items) => {
                *least += i32::try_from(items.len()).unwrap_or(1);
                true
            }
            Kind::Any(_) => true,
            Kind::Counted(fewest, _, items) => {
                let items = if *fewest > 0 { items.len() } else { 0 };
                *least += 1 + i32::try_from(items).unwrap_or(1);
                true
            }
            _ => {
                *least += 1;
                false
            }
        };
    }
    open
}
