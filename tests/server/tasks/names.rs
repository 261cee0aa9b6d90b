//! Names of queues, tasks and workers: which are refused, and odd ones that work.

use crate::support::Server;

#[test]
fn names_that_are_no_text_are_refused_everywhere() {
    let server = Server::start();
    let mut client = server.client();
    let bad: [&[u8]; 7] = [b"", b"a\0b", b"line\n", b"\x7f", b"\xff\xfe", b"\xc2\x85", b"*"];
    for name in bad {
        let calls: [Vec<&[u8]>; 8] = [
            vec![b"TASK.SCHEDULE", name, b"x"],
            vec![b"TASK.SCHEDULE", b"q", b"x", b"ID", name],
            vec![b"TASK.CLAIM", b"q", name],
            vec![b"TASK.CLAIM", name, b"w"],
            vec![b"TASK.GET", b"q", name],
            vec![b"TASK.ACK", b"q", name, b"5"],
            vec![b"TASK.STATS", name],
            vec![b"TASK.CONFIG", b"SET", name, b"lease", b"5"],
        ];
        for call in calls {
            let reply = client.call_args(&call);
            assert!(
                reply.to_string().starts_with("-BADNAME "),
                "{}: {reply}",
                name.escape_ascii()
            );
        }
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
        "DELAY",
        "COUNT",
        "BLOCK",
        "ID",
        "0",
        "-1",
        "9223372036854775808",
        "a b",
        " ",
        "'",
        "\"",
        "\\",
        "é",
        "💡",
        "a:b",
        "ready:5",
        "{tag}rest",
        "?*[",
        &longest,
        "task",
        "$-1",
    ];
    for name in odd {
        // The first byte of an id and of a worker has no special meaning either.
        let id = if name.contains('{') { "{x}:y" } else { name };
        assert_eq!(client.call_args(&["TASK.SCHEDULE", name, name, "ID", id]).text(), id);
        let claimed = client.call_args(&["TASK.CLAIM", name, name, "COUNT", "5"]);
        assert_eq!(
            (claimed.ids(), claimed.item(0).field("payload").text()),
            (vec![id.to_string()], name.to_string())
        );
        let shown = client.call_args(&["TASK.GET", name, id]);
        assert_eq!(shown.field("worker").text(), name);
        let token = claimed.item(0).field("token").int().to_string();
        assert_eq!(
            client
                .call_args(&["TASK.FAIL", name, id, &token, "ERROR", name, "DEAD"])
                .field("state")
                .text(),
            "dead"
        );
        assert_eq!(client.call_args(&["TASK.GET", name, id]).field("error").text(), name);
    }
    let page = client.must("TASK.QUEUES COUNT 1000");
    assert_eq!(page.item(1).items().len(), odd.len());
}
