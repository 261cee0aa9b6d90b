//! The declarations of all commands: they say what is answered, and errors know their words.

use super::*;
use crate::command::{Arg, Arguments, Kind};

/// The declarations of all commands.
struct All(Vec<Spec>);

impl Visitor for All {
    fn visit<C: Command>(&mut self) {
        let parsed = <C::Args<'static> as Arguments<'static>>::ARGS;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", C::SPEC.args), "{}", C::SPEC.name);
        self.0.push(C::SPEC);
    }
}

pub(crate) fn all() -> Vec<Spec> {
    let mut all = All(Vec::new());
    visit_all(&mut all);
    all.0
}

/// Panics unless the command declares the code of an error that it answers.
pub(super) fn ensure_declared(spec: &Spec, error: &Error) {
    // Any command may answer these.
    let any = ["BADARG", "BADNAME", "WRONGTYPE", "TRYAGAIN", "NOPERM", "ERR"];
    let text = error.to_string();
    let code = text.split(' ').next().unwrap_or_default();
    assert!(
        any.contains(&code) || spec.errors.iter().any(|(known, _)| *known == code),
        "{}: {text}",
        spec.name
    );
}

/// The shortest words that these arguments take.
fn shortest(args: &[Arg], words: &mut Vec<String>) {
    for arg in args {
        match &arg.kind {
            Kind::Either(options) => {
                words.extend(options.first().and_then(|option| option.word).map(str::to_string));
                let option = Arg {
                    word: None,
                    ..options[0]
                };
                shortest(&[option], words);
            }
            _ if arg.word.is_some() => {}
            Kind::OneOf(_) | Kind::Any(_) | Kind::Flag | Kind::Repeated(_) => {}
            Kind::Shared(inner)
            | Kind::Group(inner)
            | Kind::Many(inner)
            | Kind::ManyBefore(inner, _)
            | Kind::AsMany(inner) => shortest(inner, words),
            Kind::Counted(_, _, inner) => {
                words.push("1".into());
                shortest(inner, words);
            }
            Kind::Int(least, ..) | Kind::IntOr(least, ..) => words.push(least.to_string()),
            Kind::Words(choices) => words.push(choices[0].into()),
            Kind::Name | Kind::Text | Kind::Bytes => words.push("x".into()),
        }
    }
}

/// All keywords of these arguments, and the words that their options take as values.
fn known_words(args: &'static [Arg], is_value: bool, words: &mut Vec<&'static str>) {
    for arg in args {
        words.extend(arg.word);
        let is_value = is_value || arg.word.is_some();
        match arg.kind {
            Kind::Either(inner)
            | Kind::OneOf(inner)
            | Kind::Shared(inner)
            | Kind::Group(inner)
            | Kind::Repeated(inner) => {
                known_words(inner, is_value, words);
            }
            Kind::Words(values) if is_value => words.extend(values),
            Kind::IntOr(.., value) => words.push(value),
            _ => {}
        }
    }
}

struct Known(usize);

impl Visitor for Known {
    fn visit<C: Command>(&mut self) {
        let (mut call, mut words) = (Vec::new(), Vec::new());
        shortest(C::SPEC.args, &mut call);
        known_words(C::SPEC.args, false, &mut words);
        let parse = |argv: &[&str]| {
            let argv: Vec<&'static [u8]> = argv.iter().map(|word| word.to_string().leak().as_bytes()).collect();
            <C::Args<'static> as Arguments<'static>>::parse(&argv)
                .err()
                .map(|error| error.to_string())
        };
        let call: Vec<&str> = call.iter().map(String::as_str).collect();
        assert_eq!(parse(&call), None, "{} {call:?}", C::SPEC.name);
        for word in words {
            let error = parse(&[&call[..], &[word]].concat()).unwrap_or_default();
            assert!(
                !error.contains("unknown argument"),
                "{} {call:?} {word}: {error}",
                C::SPEC.name
            );
            self.0 += 1;
        }
    }
}

#[test]
fn no_command_calls_a_word_of_its_own_unknown() {
    let mut known = Known(0);
    visit_all(&mut known);
    assert!(known.0 > 100, "{}", known.0);
}

/// Errors name a value by its keyword or name: within one command these must differ.
#[test]
fn no_command_has_two_arguments_of_one_name() {
    fn collect(args: &'static [Arg], names: &mut Vec<&'static str>) {
        for arg in args {
            match arg.kind {
                Kind::OneOf(options) | Kind::Either(options) | Kind::Shared(options) => collect(options, names),
                Kind::Group(inner) => {
                    names.push(arg.word.unwrap_or(arg.name));
                    collect(inner, names);
                }
                _ => names.push(arg.word.unwrap_or(arg.name)),
            }
        }
    }
    for spec in all() {
        let mut names = Vec::new();
        collect(spec.args, &mut names);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}", spec.name);
    }
}
