//! Glob patterns as Redis has them: `*`, `?`, `[a-z]`, `[^a]` and `\` before a plain character.
//!
//! All ways to match are followed at once, each as a bit, so that the time is that of the text. Going back to the last
//! star would take the product of both lengths: half a second for a payload of a megabyte.

/// A pattern: elements that take one byte each, and stars before some of them, or behind the last.
pub(crate) struct Pattern {
    /// So many words have a bit for each element, and one for what is behind the last.
    words: usize,
    elements: usize,
    /// For each byte, which elements take it.
    takes: Vec<u64>,
    /// Which elements have a star before them.
    stars: Vec<u64>,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn new(glob: &[u8]) -> Pattern {
        let words = glob.len() / 64 + 1;
        let mut pattern = Pattern {
            words,
            elements: 0,
            takes: vec![0; 256 * words],
            stars: vec![0; words],
        };
        let mut rest = glob;
        while let Some(first) = rest.first() {
            let (word, bit) = (pattern.elements / 64, 1 << (pattern.elements % 64));
            let mut width = 1;
            if *first == b'*' {
                if let Some(stars) = pattern.stars.get_mut(word) {
                    *stars |= bit;
                }
            } else {
                for (byte, takes) in (0..=u8::MAX).zip(pattern.takes.iter_mut().skip(word).step_by(words)) {
                    let taken;
                    (width, taken) = element(rest, byte);
                    *takes |= if taken { bit } else { 0 };
                }
                pattern.elements += 1;
            }
            rest = rest.get(width..).unwrap_or_default();
        }
        pattern
    }

    /// How many words are compared with each byte of a text.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        // Bit n: the text so far matches the elements before the n-th.
        let mut reached = vec![0; self.words];
        if let Some(first) = reached.first_mut() {
            *first = 1;
        }
        for byte in text {
            let takes = self.takes.get(usize::from(*byte) * self.words..).unwrap_or_default();
            let (mut carry, mut any) = (0, 0);
            for ((reached, takes), stars) in reached.iter_mut().zip(takes).zip(&self.stars) {
                let on = *reached & takes;
                *reached = on << 1 | carry | *reached & stars;
                carry = on >> 63;
                any |= *reached;
            }
            if any == 0 {
                return false;
            }
        }
        let last = reached.get(self.elements / 64);
        last.is_some_and(|last| last >> (self.elements % 64) & 1 == 1)
    }
}

/// The width of the first element of a pattern, which is no star, and whether it takes the byte.
fn element(pattern: &[u8], byte: u8) -> (usize, bool) {
    match pattern {
        [b'?', ..] => (1, true),
        [b'\\', plain, ..] => (2, *plain == byte),
        [b'[', rest @ ..] => {
            let (width, takes) = class(rest, byte);
            (width + 1, takes)
        }
        [plain, ..] => (1, *plain == byte),
        [] => (0, false),
    }
}

/// The width of a class without its opening bracket, and whether the byte is in it.
fn class(class: &[u8], byte: u8) -> (usize, bool) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match class.get(at..).unwrap_or_default() {
            [] => return (at, found != negated),
            [b']', ..] => return (at + 1, found != negated),
            [b'\\', plain, ..] => {
                found |= *plain == byte;
                at += 2;
            }
            [from, b'-', to, ..] if *to != b']' => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                at += 3;
            }
            [plain, ..] => {
                found |= *plain == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        Pattern::new(pattern).matches(text)
    }

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("m*l", "mail", true),
            ("m*l", "mails", false),
            ("m?il", "mail", true),
            ("m[ae]il", "meil", true),
            ("m[^ae]il", "mail", false),
            ("m[a-c]il", "mbil", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a*b*c", "aXXbYYbZc", true),
            ("a*b*c", "aXXbYYbZ", false),
            ("**a", "ba", true),
            ("a**", "a", true),
            ("[", "[", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    /// By going back to every star.
    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', behind @ ..], _) => (0..=text.len()).any(|skipped| slowly(behind, &text[skipped..])),
            ([_, ..], [byte, rest @ ..]) => {
                let (width, takes) = element(pattern, *byte);
                takes && slowly(&pattern[width..], rest)
            }
            _ => false,
        }
    }

    #[test]
    fn any_pattern_matches_what_it_should() {
        let draw = Context {
            chance: 7,
            ..Context::default()
        };
        let mut step = 0;
        let mut number = |most: usize| {
            step += 1;
            draw.draw(step, most as i64) as usize
        };
        let mut some = |of: &[&'static str], most| -> String {
            let count = number(most);
            (0..count).map(|_| of[number(of.len() - 1)]).collect()
        };
        let mut matched = 0;
        for _ in 0..5_000 {
            let pattern = some(&["*", "*", "?", "a", "b", "[ab]", "[^a]", "\\a"], 7);
            let text = some(&["a", "b"], 9);
            let expected = slowly(pattern.as_bytes(), text.as_bytes());
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
            matched += u32::from(expected);
        }
        assert!((500..4_500).contains(&matched), "{matched}");
    }

    #[test]
    fn a_pattern_is_as_long_as_a_name() {
        for length in [62, 63, 64, 65, 127, 128, 256] {
            let name = vec![b'n'; length];
            assert!(matches(&name, &name) && matches(&vec![b'?'; length], &name));
            assert!(!matches(&name, &name[1..]) && !matches(&name[1..], &name));
            let behind = [&name[2..], b"*x"].concat();
            assert!(matches(&behind, &[&name, b"x".as_slice()].concat()) && !matches(&behind, &name));
        }
    }
}
