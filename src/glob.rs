//! Glob patterns as Redis has them: `*`, `?`, `[a-z]`, `[^a]` and `\` before a plain character.

/// Whether the whole of `text` matches.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The last star met, and where in the text it began: on a mismatch it takes one byte more. So the time
    // is bounded by the product of the lengths.
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match step(pattern.get(p..).unwrap_or_default(), text.get(t).copied().unwrap_or(0)) {
            Step::Star => {
                star = Some((p + 1, t));
                p += 1;
            }
            Step::Takes(width) => {
                p += width;
                t += 1;
            }
            Step::Differs => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&byte| byte == b'*')
}

enum Step {
    Star,
    /// The byte matches the next so many bytes of the pattern.
    Takes(usize),
    Differs,
}

fn step(pattern: &[u8], byte: u8) -> Step {
    let takes = |width: usize, matches: bool| if matches { Step::Takes(width) } else { Step::Differs };
    match pattern {
        [] => Step::Differs,
        [b'*', ..] => Step::Star,
        [b'?', ..] => Step::Takes(1),
        [b'\\', plain, ..] => takes(2, *plain == byte),
        [b'[', rest @ ..] => {
            let (width, matches) = class(rest, byte);
            takes(width + 1, matches)
        }
        [plain, ..] => takes(1, *plain == byte),
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
    use super::matches;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
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
            ("[", "[", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
