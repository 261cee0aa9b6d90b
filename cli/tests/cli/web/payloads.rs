//! Payloads, names and errors are shown, whatever is in them, and never run.

use redis::cmd;

use super::Web;
use crate::support::Server;

const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>";

fn put(server: &Server, id: &str, payload: &[u8]) {
    let mut put = cmd("TASK.SCHEDULE");
    put.arg("mail").arg(payload).arg("ID").arg(id);
    let _: String = put.query(&mut server.client()).unwrap();
}

#[test]
fn nothing_that_is_shown_is_run() {
    let server = Server::start();
    let mut client = server.client();
    let mut put = cmd("TASK.SCHEDULE");
    put.arg(SCRIPT)
        .arg(SCRIPT)
        .arg("ID")
        .arg(SCRIPT)
        .arg("KIND")
        .arg(SCRIPT)
        .arg("USED")
        .arg(1)
        .arg("DEAD")
        .arg(SCRIPT);
    let _: String = put.query(&mut client).unwrap();
    let _: String = cmd("TASK.SCHEDULE")
        .arg(SCRIPT)
        .arg("x")
        .arg("KIND")
        .arg(SCRIPT)
        .query(&mut client)
        .unwrap();
    let _: redis::Value = cmd("TASK.CLAIM").arg(SCRIPT).arg(SCRIPT).query(&mut client).unwrap();
    let mut beat = cmd("HB.BEAT");
    beat.arg(SCRIPT).arg(SCRIPT).arg("STATUS").arg(SCRIPT).arg("CAMPAIGN");
    let _: redis::Value = beat.query(&mut client).unwrap();
    let _: i64 = cmd("TASK.REPEAT")
        .arg(SCRIPT)
        .arg(SCRIPT)
        .arg(SCRIPT)
        .arg("EVERY")
        .arg(60_000)
        .query(&mut client)
        .unwrap();
    let web = Web::start(&server, &["--no-login"]);
    let encoded: String = SCRIPT.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for path in [
        "/".into(),
        format!("/?q={encoded}&sort={encoded}"),
        format!("/queue?name={encoded}&state=dead"),
        format!("/queue?name={encoded}&state=dead&q={encoded}&kind={encoded}"),
        format!("/task?queue={encoded}&id={encoded}"),
        format!("/settings?name={encoded}"),
        "/dead".into(),
        "/kinds".into(),
        "/services".into(),
        format!("/service?name={encoded}"),
        "/cron".into(),
        "/events".into(),
        format!("/events?queue={encoded}"),
    ] {
        let answer = web.stranger().get(&path);
        answer.shows(&["&lt;script&gt;"]);
        assert!(
            !answer.body.contains("<script>alert") && !answer.body.contains("<img"),
            "{path}: {}",
            answer.body
        );
    }
    let answer = web.stranger().get(&format!("/task?queue=mail&id={encoded}"));
    assert_eq!((answer.status, answer.body.contains("<script>alert")), (404, false));
}

#[test]
fn any_bytes_are_shown_and_given_back() {
    let server = Server::start();
    let bytes: Vec<u8> = (0..=255).collect();
    put(&server, "bytes", &bytes);
    put(&server, "brackets", &b"[".repeat(1_000_000));
    put(&server, "json", br#"{"to":"ann","n":1234567890123456789012}"#);
    put(&server, "empty", b"");
    put(&server, "trick", "a\u{202e}b\x1b[2J\nline".as_bytes());
    let web = Web::start(&server, &["--no-login"]);
    let browser = web.stranger();
    let task = |id: &str, form: &str| browser.get(&format!("/task?queue=mail&id={id}{form}"));
    task("bytes", "").shows(&["00000010  10 11 12", "256 bytes"]);
    task("bytes", "&as=text").shows(&["\\x80"]);
    task("bytes", "&as=json").shows(&["\\x80"]);
    task("brackets", "").shows(&["1000000 bytes", "[[[[", "These are the first 65536 bytes."]);
    task("brackets", "&as=hex").shows(&["00000000  5b 5b"]);
    task("json", "").shows(&["&quot;to&quot;: &quot;ann&quot;,\n  &quot;n&quot;: 1234567890123456789012"]);
    task("trick", "").shows(&["a\\u{202e}b\\u{1b}[2J\nline"]);
    task("empty", "").shows(&["0 bytes"]);
    let file = browser.get("/payload?queue=mail&id=brackets");
    assert_eq!(
        (file.body.len(), file.header("content-type")),
        (1_000_000, Some("application/octet-stream"))
    );
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(
        browser.json("/task?queue=mail&id=bytes")["task"]["payload_base64"]
            .as_str()
            .unwrap()
            .len(),
        344
    );
    // A task that is listed is not shown with what it holds.
    browser.get("/queue?name=mail").shows(&["brackets", "bytes"]);
}

#[test]
fn payloads_can_be_left_out() {
    let server = Server::start();
    put(&server, "ann", b"the secret");
    let _: redis::Value = server.call("TASK.CLAIM mail w");
    let _: i64 = server.call("TASK.REPEAT mail often the-secret EVERY 3600000");
    let web = Web::start(&server, &["--no-login", "--no-payloads"]);
    let browser = web.stranger();
    browser.get("/task?queue=mail&id=ann").shows(&["not shown here"]);
    for path in [
        "/task?queue=mail&id=ann",
        "/queue?name=mail&state=claimed",
        "/cron",
        "/events?queue=mail",
    ] {
        assert!(!browser.get(path).body.contains("secret"), "{path}");
        assert!(!browser.json(path).to_string().contains("secret"), "{path}");
    }
    assert_eq!(browser.get("/payload?queue=mail&id=ann").status, 404);
}
