//! Each error that the page of a command names is one that this command answers.

use std::collections::BTreeSet;

use crate::support::{Document, Server, Value, files, wait_until};

/// Calls in turn, and the code that each answers; those without one succeed. `$` is the last token that a reply had.
const CALLS: &[(&str, &str)] = &[
    ("CONFIG SET steward.max-payload 10", ""),
    ("TASK.SCHEDULE q x ID a", ""),
    ("TASK.SCHEDULE q y ID a", "DUPLICATE"),
    ("TASK.MSCHEDULE q 1 y IDS a", "DUPLICATE"),
    ("TASK.SCHEDULE q x AFTER 1 nobody", "NOTASK"),
    ("TASK.MSCHEDULE q 1 x AFTER 1 nobody", "NOTASK"),
    ("TASK.SCHEDULE q x TO w NOW", "NOMEMBER"),
    ("TASK.MSCHEDULE q 1 x TO w NOW", "NOMEMBER"),
    ("TASK.SCHEDULE q 12345678901", "TOOBIG"),
    ("TASK.MSCHEDULE q 1 12345678901", "TOOBIG"),
    ("TASK.REPEAT q r 12345678901 EVERY 3600000", "TOOBIG"),
    ("TASK.REPEAT q r x EVERY 3600000", ""),
    ("TASK.REPEAT q targeted x EVERY 3600000 TO w NOW", ""),
    ("TASK.TRIGGER q nobody", "NOTASK"),
    ("TASK.TRIGGER q targeted", "NOMEMBER"),
    ("TASK.CONFIG SET q max-length 1", ""),
    ("TASK.SCHEDULE q x", "QUEUEFULL"),
    ("TASK.MSCHEDULE q 1 x", "QUEUEFULL"),
    ("TASK.TRIGGER q r", "QUEUEFULL"),
    ("TASK.CONFIG SET q max-length 0", ""),
    ("TASK.CLAIM q w LEASE MEMBER", "NOMEMBER"),
    ("TASK.MCLAIM 1 q w LEASE MEMBER", "NOMEMBER"),
    ("TASK.CLAIM q w LEASE 600000", ""),
    ("TASK.ACK q a 1", "STALE"),
    ("TASK.FAIL q a 1", "STALE"),
    ("TASK.RELEASE q a 1", "STALE"),
    ("TASK.EXTEND q a 1", "STALE"),
    ("TASK.ACK q nobody 1", "NOTASK"),
    ("TASK.FAIL q nobody 1", "NOTASK"),
    ("TASK.RELEASE q nobody 1", "NOTASK"),
    ("TASK.EXTEND q nobody 1", "NOTASK"),
    ("TASK.ACK q a $ RESULT 12345678901", "TOOBIG"),
    ("TASK.EXTEND q a $ PROGRESS 12345678901", "TOOBIG"),
    ("TASK.EDIT q a PAYLOAD 12345678901", "TOOBIG"),
    ("TASK.EDIT q a PAYLOAD x", "NOTASK"),
    ("TASK.RESCHEDULE q a DELAY 0", "NOTASK"),
    ("TASK.RESULT q nobody", "NOTASK"),
    ("TASK.DROP q", "BUSYQUEUE"),
    ("TASK.CANCEL q a", ""),
    ("TASK.EXTEND q a $", "CANCELLED"),
    ("TASK.BURY q a", "NOTASK"),
    ("PID.REGISTER q m 1 TTL 600000", ""),
    ("TASK.SCHEDULE q x ID b", ""),
    ("TASK.CLAIM q m LEASE MEMBER", ""),
    ("PID.REGISTER s nobody 1 TOKEN 1", "NOMEMBER"),
    ("HB.BEAT s nobody TOKEN 1", "NOMEMBER"),
    ("HB.CAMPAIGN s nobody 1", "NOMEMBER"),
    ("HB.WITHDRAW s nobody 1", "NOMEMBER"),
    ("HB.RESIGN s nobody 1", "NOMEMBER"),
    ("PID.REGISTER s a 1 TTL 600000", ""),
    ("PID.REGISTER s a 1 TOKEN 1", "FENCED"),
    ("PID.DEREGISTER s a TOKEN 1", "FENCED"),
    ("HB.BEAT s a", "FENCED"),
    ("HB.CAMPAIGN s a 1", "FENCED"),
    ("HB.WITHDRAW s a 1", "FENCED"),
    ("HB.RESIGN s a 1", "FENCED"),
    ("HB.CHECK s 1", "FENCED"),
    ("HB.FENCED s 1 PING", "FENCED"),
    ("PID.DROP s", "BUSYSERVICE"),
    ("CONFIG SET steward.max-members 1", ""),
    ("PID.REGISTER s b 1", "SERVICEFULL"),
    ("HB.BEAT s b", "SERVICEFULL"),
    ("CONFIG SET steward.max-members 2", ""),
    ("TASK.SCHEDULE q x ID c", ""),
    ("CONFIG SET maxmemory 1", ""),
    ("TASK.SCHEDULE q x", "OOM"),
    ("TASK.MSCHEDULE q 1 x", "OOM"),
    ("TASK.EDIT q c PAYLOAD y", "OOM"),
    ("TASK.REPEAT q r y EVERY 3600000", "OOM"),
    ("TASK.TRIGGER q r", "OOM"),
    ("PID.REGISTER s b 1", "OOM"),
    ("HB.BEAT s b", "OOM"),
    ("CONFIG SET maxmemory 0", ""),
];

/// The command that is called.
fn command(call: &str) -> String {
    call.split(' ').next().unwrap().to_string()
}

/// The last token in a reply, of a claim or a member.
fn token(reply: &Value) -> Option<String> {
    let text = reply.to_string();
    let (_, rest) = text.rsplit_once("token: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(digits).filter(|digits| !digits.is_empty())
}

#[test]
fn each_error_of_a_page_is_answered() {
    let server = Server::start();
    let mut client = server.client();
    let mut answered = BTreeSet::new();
    let mut last = String::new();
    for (call, code) in CALLS {
        let reply = client.call(&call.replace('$', &last));
        if code.is_empty() {
            assert!(!reply.is_error(), "{call}: {reply}");
            last = token(&reply).unwrap_or(last);
            continue;
        }
        assert!(reply.is_error(), "{call}: {reply}");
        assert_eq!(reply.code(), *code, "{call}");
        answered.insert((command(call), code.to_string()));
    }
    // The worker of a claim is no member of the queue's service any more; the claim ends a moment later.
    wait_until("a claim whose worker is no member", || {
        client.must("TASK.SCHEDULE q x PRIORITY 0");
        client.must("TASK.CONFIG SET q service q");
        let claim = client.must("TASK.CLAIM q m LEASE MEMBER");
        let (id, token) = (claim.item(0).field("id").text(), claim.item(0).field("token").int());
        let calls = [
            "TASK.CONFIG SET q service {q}s".into(),
            format!("TASK.ACK q {id} {token} NEXT"),
        ];
        client.pipeline(calls)[1].to_string().starts_with("-NOMEMBER")
    });
    answered.insert(("TASK.ACK".into(), "NOMEMBER".into()));
    wait_until("two occurrences at one moment", || {
        let twice = client.pipeline(["TASK.TRIGGER q r".to_string(), "TASK.TRIGGER q r".to_string()]);
        twice[1].to_string().starts_with("-DUPLICATE")
    });
    answered.insert(("TASK.TRIGGER".into(), "DUPLICATE".into()));

    let mut named = BTreeSet::new();
    for page in files("docs/reference/commands", "md") {
        let page = Document::read(page.to_str().unwrap());
        let name = page.headings(1)[0].trim_start_matches("# ").to_string();
        let errors = page.part("## Errors");
        let codes = errors.text().lines().filter_map(|line| line.strip_prefix("| `"));
        named.extend(codes.map(|code| (name.clone(), code.split('`').next().unwrap().to_string())));
    }
    assert_eq!(answered, named);
}
