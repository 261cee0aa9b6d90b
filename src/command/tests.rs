use super::*;

arguments! {
    struct XArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
        payload: &'a [u8] = Arg::bytes("payload"),
        options: XOptions<'a> = Arg::shared(),
    }
}

arguments! {
    struct XOptions<'a> {
        id: Option<&'a str> = Arg::option("ID", Arg::ID),
        when: Option<XWhen> = Arg::one_of("when"),
        backoff: Option<XBackoff<'a>> = Arg::group("BACKOFF", "backoff"),
        bind: bool = Arg::flag("BIND"),
    }
}

arguments! {
    enum XWhen {
        Delay(ms: i64) = Arg::duration("DELAY", 0, 10),
        At(at: i64) = Arg::option("AT", Arg::int("unix-ms", 5, 9, "ms")),
    }
}

arguments! {
    struct XBackoff<'a> {
        kind: &'a str = Arg::words("kind", &["FIXED", "EXPONENTIAL"]),
        base: i64 = Arg::int("base-ms", 0, 100, "ms"),
        max: Option<i64> = Arg::duration("MAX", 0, 100),
    }
}

const SPEC: Spec = Spec {
    name: "TASK.X",
    summary: "",
    complexity: "O(1)",
    access: Access::Write,
    blocking: false,
    keys: Keys::First,
    args: XArgs::ARGS,
    reply: "",
    errors: &[],
};

fn parse<'a>(argv: &[&'a str]) -> Result<XArgs<'a>, String> {
    let argv: Vec<&[u8]> = argv.iter().map(|arg| arg.as_bytes()).collect();
    XArgs::parse(&argv).map_err(|error| error.to_string())
}

#[test]
fn syntax_and_arity_come_from_the_declaration() {
    assert_eq!(
        SPEC.syntax(),
        "TASK.X queue payload [ID id] [DELAY ms | AT unix-ms] [BACKOFF FIXED|EXPONENTIAL base-ms [MAX ms]] [BIND]"
    );
    assert_eq!(SPEC.arity(), -3);
    assert_eq!(SPEC.flags(), "write fast");
}

#[test]
fn options_come_in_any_order_and_case() {
    let args = parse(&["q", "DELAY", "bind", "backoff", "fixed", "7", "max", "9", "delay", "3"]).unwrap();
    assert_eq!(args.payload, b"DELAY");
    assert!(matches!(args.options.when, Some(XWhen::Delay(3))));
    let backoff = args.options.backoff.unwrap();
    assert_eq!(backoff.kind, "FIXED");
    assert_eq!((backoff.base, backoff.max), (7, Some(9)));
    assert!(args.options.bind && args.options.id.is_none());
}

#[test]
fn options_that_were_given_are_words_again() {
    let words = |argv: &[&str]| parse(argv).unwrap().options.to_words().unwrap().join(" ");
    assert_eq!(words(&["q", "p"]), "");
    let given = words(&[
        "q", "p", "bind", "backoff", "fixed", "7", "max", "9", "at", "6", "id", "x",
    ]);
    assert_eq!(given, "ID x AT 6 BACKOFF FIXED 7 MAX 9 BIND");
    let again: Vec<&str> = "q p".split(' ').chain(given.split(' ')).collect();
    assert_eq!(words(&again), given);
}

#[test]
fn every_error_names_the_argument_and_its_range() {
    let error = |argv: &[&str]| parse(argv).unwrap_err();
    assert_eq!(
        error(&["q", "p", "DELAY", "11"]),
        "BADARG DELAY must be an integer from 0 to 10 ms"
    );
    assert_eq!(
        error(&["q", "p", "DELAY", "+1"]),
        "BADARG DELAY must be an integer from 0 to 10 ms"
    );
    assert_eq!(error(&["q", "p", "DELAY"]), "BADARG DELAY is missing its value");
    assert_eq!(
        error(&["q", "p", "DELAY", "1", "delay", "1"]),
        "BADARG DELAY is given twice"
    );
    assert_eq!(
        error(&["q", "p", "DELAY", "1", "AT", "6"]),
        "BADARG AT contradicts DELAY: give one of them"
    );
    assert_eq!(
        error(&["q", "p", "BACKOFF", "NO", "1"]),
        "BADARG kind must be FIXED or EXPONENTIAL"
    );
    assert_eq!(error(&["q", "p", "x\ny%"]), "BADARG unknown argument x?y%");
    assert_eq!(
        error(&["q", "p", "BACKOFF", "FIXED", "7", "BIND", "max", "9"]),
        "BADARG MAX must follow BACKOFF directly: BACKOFF FIXED|EXPONENTIAL base-ms [MAX ms]"
    );
    assert_eq!(
        error(&["q", "p", "MAX", "9"]),
        "BADARG MAX is an option of BACKOFF, which is not given"
    );
    assert_eq!(error(&["q", "p", "ID", ""]), "BADNAME id must be 1 to 256 bytes long");
}

#[test]
fn integers_are_read_as_rust_reads_them_but_for_a_plus() {
    let largest = i64::MAX.to_string();
    let smallest = i64::MIN.to_string();
    for text in [
        "", "-", "--1", "+1", "0", "-0", "007", "12", "-12", "1 ", "1a", "é", "0x1", &largest, &smallest,
    ] {
        let expected = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
        assert_eq!(
            int("n", text.as_bytes(), i64::MIN, i64::MAX, "").ok(),
            expected,
            "{text}"
        );
    }
    for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
        assert!(int("n", text.as_bytes(), i64::MIN, i64::MAX, "").is_err(), "{text}");
    }
}
