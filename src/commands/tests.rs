//! The declarations of all commands: the manual's tables come from them, and errors know their words.

use super::*;
use crate::command::{Arg, Arguments, Kind};
use crate::error::CODES;

struct All(Vec<Spec>);

impl Visitor for All {
    fn visit<C: Command>(&mut self) {
        let parsed = <C::Args<'static> as Arguments<'static>>::ARGS;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", C::SPEC.args), "{}", C::SPEC.name);
        self.0.push(C::SPEC);
    }
}

fn all() -> Vec<Spec> {
    let mut all = All(Vec::new());
    visit_all(&mut all);
    all.0
}

/// A `|` would end the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The tables of the manual come from the declarations: this test says what they must be, and writes them
/// with `UPDATE_DOCS=1 cargo test --lib docs`.
#[test]
fn the_tables_of_the_docs_are_those_of_the_declarations() {
    let mut commands = String::from("| command | what it does | reply |\n| --- | --- | --- |\n");
    for spec in all() {
        let (syntax, summary, reply) = (cell(&spec.syntax()), spec.summary, cell(spec.reply));
        commands.push_str(&format!("| `{syntax}` | {summary} | {reply} |\n"));
    }
    let mut errors = String::from("| code | when | the client should |\n| --- | --- | --- |\n");
    for (code, when, what) in CODES {
        errors.push_str(&format!("| `{code}` | {when} | {what} |\n"));
    }
    let settings = crate::settings::manual_table();
    for (name, table) in [("commands", commands), ("errors", errors), ("settings", settings)] {
        let path = format!("{}/docs/reference/{name}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
        let from = page.find(&begin).expect("a begin marker") + begin.len();
        let to = page.find(&end).expect("an end marker");
        let mut expected = page.clone();
        expected.replace_range(from..to, &table);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &expected).unwrap();
        } else {
            assert!(page == expected, "{path}: run `UPDATE_DOCS=1 cargo test --lib docs`");
        }
    }
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
