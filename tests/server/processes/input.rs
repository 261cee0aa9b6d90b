//! Bad input to PID and HB: an error that names the argument and its range, without writes or replication.

use crate::support::{Server, Stream};

const TTL: &str = "must be an integer from 0 to 86400000 ms";
const BEAT_TTL: &str = "must be an integer from 100 to 86400000 ms";
const TOKEN: &str = "must be an integer from 0 to 9007199254740991";
const BLOCK: &str = "must be an integer from 0 to 1728000000 ms";
const COUNT: &str = "must be an integer from 1 to 1000";
const PRIORITY: &str = "must be an integer from 0 to 1000";

/// Calls, and the error of each; a trailing ` ...` stands for any end.
const CASES: &[(&str, &str, &str)] = &[
    (
        "PID.REGISTER s x 0",
        "BADARG pid must be an integer from 1 to 4294967295",
        "",
    ),
    (
        "PID.REGISTER s x 4294967296",
        "BADARG pid must be an integer from 1 to 4294967295",
        "",
    ),
    (
        "PID.REGISTER s x one",
        "BADARG pid must be an integer from 1 to 4294967295",
        "",
    ),
    ("PID.REGISTER s x 1 TTL -1", "BADARG TTL ", TTL),
    ("PID.REGISTER s x 1 TTL 86400001", "BADARG TTL ", TTL),
    ("PID.REGISTER s x 1 TTL", "BADARG TTL is missing its value", ""),
    ("PID.REGISTER s x 1 TTL 500 TTL 500", "BADARG TTL is given twice", ""),
    (
        "PID.REGISTER s x 1 GRACE 5",
        "BADARG GRACE is an option of BIND, which is not given",
        "",
    ),
    (
        "PID.REGISTER s x 1 BIND TTL 5000 GRACE 100",
        "BADARG GRACE must follow BIND directly: BIND [GRACE ms]",
        "",
    ),
    (
        "PID.REGISTER s x 1 EXCLUSIVE BIND BLOCK 100",
        "BADARG BLOCK must follow EXCLUSIVE directly: EXCLUSIVE [BLOCK ms]",
        "",
    ),
    ("PID.REGISTER s x 1 BIND GRACE -1", "BADARG GRACE ", TTL),
    ("PID.REGISTER s x 1 BIND GRACE 86400001", "BADARG GRACE ", TTL),
    ("PID.REGISTER s x 1 BIND BIND", "BADARG BIND is given twice", ""),
    (
        "PID.REGISTER s x 1 BLOCK 5",
        "BADARG BLOCK is an option of EXCLUSIVE, which is not given",
        "",
    ),
    ("PID.REGISTER s x 1 EXCLUSIVE BLOCK -1", "BADARG BLOCK ", BLOCK),
    ("PID.REGISTER s x 1 EXCLUSIVE BLOCK 1728000001", "BADARG BLOCK ", BLOCK),
    ("PID.REGISTER s x 1 TOKEN x", "BADARG TOKEN ", TOKEN),
    ("PID.REGISTER s x 1 TOKEN -1", "BADARG TOKEN ", TOKEN),
    ("PID.REGISTER s x 1 TOKEN 9007199254740992", "BADARG TOKEN ", TOKEN),
    (
        "PID.REGISTER s x 1 META 0",
        "BADARG META must be an integer from 1 to 100",
        "",
    ),
    (
        "PID.REGISTER s x 1 META 101 a b",
        "BADARG META must be an integer from 1 to 100",
        "",
    ),
    ("PID.REGISTER s x 1 META 1 a", "BADARG value is missing its value", ""),
    ("PID.REGISTER s x 1 META 2 a b", "BADARG field is missing its value", ""),
    ("PID.REGISTER s x 1 HOST", "BADARG HOST is missing its value", ""),
    ("PID.REGISTER s x 1 colour red", "BADARG unknown argument colour", ""),
    ("PID.REGISTER s * 1", "BADNAME member must not be *", ""),
    ("PID.REGISTER * x 1", "BADNAME service must not be *", ""),
    ("PID.DEREGISTER s a", "ERR wrong number of arguments", "*"),
    ("PID.DEREGISTER s a x 7", "BADARG TOKEN or PID must be given", ""),
    (
        "PID.DEREGISTER s a PID 7 TOKEN 7",
        "BADARG TOKEN contradicts PID: give one of them",
        "",
    ),
    (
        "PID.DEREGISTER s a PID 0",
        "BADARG PID must be an integer from 1 to 4294967295",
        "",
    ),
    ("PID.DEREGISTER s a TOKEN x", "BADARG TOKEN ", TOKEN),
    ("PID.GET s a pid host pid", "BADARG pid is given twice", ""),
    ("PID.GET s nobody x x", "BADARG x is given twice", ""),
    ("PID.EVICT s a REASON", "BADARG REASON is missing its value", ""),
    ("PID.DROP s HARD", "BADARG unknown argument HARD", ""),
    ("PID.AWAIT s m UP DOWN", "BADARG state is given twice", ""),
    ("PID.EVICT s *", "BADNAME member must not be *", ""),
    ("PID.LIST s COUNT 0", "BADARG COUNT ", COUNT),
    ("PID.LIST s COUNT 1001", "BADARG COUNT ", COUNT),
    ("PID.LIST s CURSOR", "BADARG CURSOR is missing its value", ""),
    ("PID.SERVICES COUNT 0", "BADARG COUNT ", COUNT),
    ("PID.AWAIT s a SIDEWAYS", "BADARG ", "*"),
    ("PID.AWAIT s a UP BLOCK -1", "BADARG BLOCK ", BLOCK),
    ("HB.BEAT s x TTL 0", "BADARG TTL ", BEAT_TTL),
    ("HB.BEAT s x TTL 99", "BADARG TTL ", BEAT_TTL),
    ("HB.BEAT s x TTL 86400001", "BADARG TTL ", BEAT_TTL),
    (
        "HB.BEAT s x PRIORITY 5",
        "BADARG PRIORITY is an option of CAMPAIGN, which is not given",
        "",
    ),
    ("HB.BEAT s x CAMPAIGN PRIORITY 1001", "BADARG PRIORITY ", PRIORITY),
    ("HB.BEAT s x CAMPAIGN PRIORITY -1", "BADARG PRIORITY ", PRIORITY),
    (
        "HB.BEAT s x GRACE 5",
        "BADARG GRACE is an option of BIND, which is not given",
        "",
    ),
    ("HB.BEAT s x STATUS", "BADARG STATUS is missing its value", ""),
    ("HB.BEAT s x TOKEN x", "BADARG TOKEN ", TOKEN),
    ("HB.BEAT s *", "BADNAME member must not be *", ""),
    ("HB.CAMPAIGN s b x", "BADARG token ", TOKEN),
    ("HB.CAMPAIGN s b 5 PRIORITY 1001", "BADARG PRIORITY ", PRIORITY),
    ("HB.CAMPAIGN s b 5 BLOCK x", "BADARG BLOCK ", BLOCK),
    ("HB.WITHDRAW s b -5", "BADARG token ", TOKEN),
    ("HB.RESIGN s a 5 TO", "BADARG TO is missing its value", ""),
    ("HB.CHECK s x", "BADARG epoch ", TOKEN),
    ("HB.CHECK s -1", "BADARG epoch ", TOKEN),
    ("HB.FENCED s x GET k", "BADARG epoch ", TOKEN),
    ("HB.SIGNAL s a *", "BADNAME ", "*"),
];

#[test]
fn every_bad_argument_is_named_with_its_range() {
    let server = Server::start();
    let mut client = server.client();
    client.register("s a 7 HOST h TTL 0");
    let digest = client.digest();
    let mut stream = Stream::of(&server);
    for (words, error, rest) in CASES {
        let reply = client.call(words).to_string();
        if *rest == "*" {
            assert!(reply.starts_with(&format!("-{error}")), "{words}: {reply}");
        } else {
            assert_eq!(reply, format!("-{error}{rest}"), "{words}");
        }
    }
    for ttl in [1, 50, 99] {
        let reply = client.call(&format!("PID.REGISTER s x 1 TTL {ttl}"));
        assert_eq!(reply.code(), "BADARG", "{ttl}");
        assert!(
            reply.to_string().contains("TTL") && reply.to_string().contains("100"),
            "{reply}"
        );
    }
    for words in [
        "PID.REGISTER s x",
        "HB.BEAT s",
        "HB.CAMPAIGN s a",
        "HB.FENCED s 5",
        "HB.SIGNAL s a",
        "PID.GET s",
    ] {
        let reply = client.call(words).to_string();
        assert!(reply.starts_with("-ERR wrong number of arguments"), "{words}: {reply}");
    }
    assert_eq!(client.digest(), digest);
    assert_eq!(stream.take(), Vec::<String>::new());
}

#[test]
fn texts_that_are_none_are_refused_everywhere() {
    let server = Server::start();
    let mut client = server.client();
    let long = "x".repeat(257);
    let bad: [&[u8]; 7] = [
        b"",
        b"a\0b",
        b"line\n",
        b"\x7f",
        b"\xff\xfe",
        b"\xc2\x85",
        long.as_bytes(),
    ];
    for text in bad {
        let names: [Vec<&[u8]>; 10] = [
            vec![b"PID.REGISTER", text, b"a", b"1"],
            vec![b"PID.REGISTER", b"s", text, b"1"],
            vec![b"HB.BEAT", text, b"a"],
            vec![b"HB.BEAT", b"s", text],
            vec![b"PID.GET", b"s", text],
            vec![b"PID.EVICT", b"s", text],
            vec![b"HB.CAMPAIGN", b"s", text, b"5"],
            vec![b"HB.LEADER", text],
            vec![b"HB.SIGNAL", b"s", text, b"quiet"],
            vec![b"PID.LIST", text],
        ];
        for call in names {
            assert_eq!(client.call_args(&call).code(), "BADNAME", "{}", text.escape_ascii());
        }
        let texts: [Vec<&[u8]>; 5] = [
            vec![b"PID.REGISTER", b"s", b"a", b"1", b"HOST", text],
            vec![b"PID.REGISTER", b"s", b"a", b"1", b"START", text],
            vec![b"PID.REGISTER", b"s", b"a", b"1", b"BOOT", text],
            vec![b"PID.REGISTER", b"s", b"a", b"1", b"META", b"1", text, b"v"],
            vec![b"HB.SIGNAL", b"s", b"a", text],
        ];
        for call in texts {
            let reply = client.call_args(&call);
            assert!(
                ["BADARG", "BADNAME"].contains(&reply.code()),
                "{}: {reply}",
                text.escape_ascii()
            );
        }
    }
    let largest = "x".repeat(4_097);
    for value in [b"\xff".as_slice(), largest.as_bytes()] {
        let reply = client.call_args(&[b"PID.REGISTER".as_slice(), b"s", b"a", b"1", b"META", b"1", b"k", value]);
        assert_eq!(reply.code(), "BADARG");
    }
    assert_eq!(client.keys(), Vec::<String>::new());
}

#[test]
fn odd_names_that_are_allowed_work_like_any_other() {
    let server = Server::start();
    let mut client = server.client();
    let longest = "é".repeat(128);
    let odd = [
        "%s%n%x",
        "TTL",
        "BLOCK",
        "BIND",
        "0",
        "-1",
        "a b",
        " ",
        "'",
        "\"",
        "\\",
        "é",
        "💡",
        "a:b",
        "members",
        "{tag}rest",
        "?*[",
        &longest,
        "proc",
        "$-1",
        "**",
    ];
    for name in odd {
        // A member's name has no special characters.
        let member = if name.contains('{') { "{x}:y" } else { name };
        let reply = client.call_args(&["PID.REGISTER", name, member, "7", "HOST", name, "META", "1", name, name]);
        let token = reply.field("token").int().to_string();
        let shown = client.call_args(&["PID.GET", name, member, "member", "host", name]);
        assert_eq!([0, 1, 2].map(|at| shown.item(at).text()), [member, name, name]);
        let led = client.call_args(&["HB.CAMPAIGN", name, member, &token]);
        assert_eq!(led.field("leader").text(), member);
        assert_eq!(client.call_args(&["HB.SIGNAL", name, member, "go on"]), "1");
        let beat = client.call_args(&["HB.BEAT", name, member, "TOKEN", &token, "STATUS", name]);
        assert_eq!(
            (beat.field("leader").text(), beat.field("signal").text()),
            (member.into(), "go on".into())
        );
        assert_eq!(
            client
                .call_args(&["PID.LIST", name])
                .item(1)
                .item(0)
                .field("status")
                .text(),
            name
        );
        assert_eq!(
            client.call_args(&["HB.RESIGN", name, member, &token]).to_string(),
            "null"
        );
        assert_eq!(client.call_args(&["PID.EVICT", name, member, "REASON", name]), "1");
    }
    assert_eq!(client.must("PID.SERVICES COUNT 1000").item(1).items().len(), odd.len());
}
