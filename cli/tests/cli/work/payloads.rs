//! What programs are given.

use std::fs;

use super::Shop;
use crate::support::wait_until;

#[test]
fn a_payload_of_any_bytes_is_on_standard_input() {
    let shop = Shop::open();
    let all: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    for (id, payload) in [("all", &all[..]), ("empty", b""), ("line", b"a\nb\n\n")] {
        shop.add(id, payload);
    }
    let _work = shop.work(&["q", "-c", "3"], "cat >got-$STEWARD_ID");
    for (id, payload) in [("all", &all[..]), ("empty", b""), ("line", b"a\nb\n\n")] {
        shop.wait_for(id, "done");
        assert!(
            fs::read(shop.stage.file(&format!("got-{id}"))).unwrap() == payload,
            "{id}"
        );
    }
}

#[test]
fn of_an_envelope_a_program_gets_the_data_and_the_trace() {
    let enveloped = br#"{"steward":1,"meta":{"traceparent":"00-1-2-01"},"data":{"to":"ann"}}"#;
    let whole = String::from_utf8_lossy(enveloped);
    for (words, expected) in [
        (&["q"][..], r#"00-1-2-01 {"to":"ann"}"#.to_string()),
        (&["q", "--raw"], format!("- {whole}")),
    ] {
        let shop = Shop::open();
        shop.add("a", enveloped);
        let _work = shop.work(words, "printf '%s ' \"${TRACEPARENT:--}\"; cat");
        shop.wait_for("a", "done");
        assert_eq!(shop.field::<String>("a", "result"), expected);
    }
}

#[test]
fn a_program_need_not_read_its_input() {
    let shop = Shop::open();
    for id in ["closes", "ends"] {
        shop.add(id, &[b'x'; 1 << 20]);
    }
    let script = "[ $STEWARD_ID = ends ] && exit 0; exec <&-; sleep 0.1; echo done";
    let _work = shop.work(&["q", "-c", "2"], script);
    shop.wait_for("closes", "done");
    shop.wait_for("ends", "done");
    assert_eq!(shop.field::<String>("closes", "result"), "done\n");
}

#[test]
fn the_environment_says_which_task_it_is() {
    let shop = Shop::open();
    let _: String = shop
        .server
        .call("TASK.SCHEDULE q x ID a KIND page.print RETAIN 3600000");
    let _work = shop.work(&["q"], "env | grep ^STEWARD_ | sort; [ $STEWARD_ATTEMPT = 1 ]");
    shop.wait_for("a", "done");
    let token = shop.field::<String>("a", "result");
    let expected = [
        "ATTEMPT=1",
        "DELIVERIES=1",
        "ID=a",
        "KIND=page.print",
        "QUEUE=q",
        "TOKEN=",
    ];
    let lines: Vec<&str> = token
        .lines()
        .filter(|line| !line.starts_with("STEWARD_MODULE"))
        .collect();
    assert_eq!(lines.len(), expected.len(), "{token}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("STEWARD_{expected}")), "{line}");
    }
}

#[test]
fn a_program_tells_its_progress() {
    let shop = Shop::open();
    shop.add("a", b"");
    let steward = env!("CARGO_BIN_EXE_steward");
    let script = format!("{steward} progress 40 || exit 1; until [ -e go ]; do sleep 0.01; done");
    let _work = shop.work(&["q"], &script);
    wait_until("it is told", || {
        shop.field::<Option<String>>("a", "progress").as_deref() == Some("40")
    });
    fs::write(shop.stage.file("go"), "").unwrap();
    shop.wait_for("a", "done");
    assert_eq!(shop.server.run(&["progress", "40"]).0, 64);
}

#[test]
fn an_argument_or_a_variable_takes_the_payload() {
    let shop = Shop::open();
    let show = "printf '%s|' \"$0\" \"$@\" \"$STEWARD_PAYLOAD\"; cat";
    for (words, expected) in [
        (&["q", "-I", "@"][..], "a @|two\nlines|{}||"),
        (&["q", "--env"], "a @|@|{}|two\nlines|"),
    ] {
        let id = words.len().to_string();
        shop.add(&id, b"two\nlines");
        let all = [&["work"], words, &["--", "sh", "-c", show, "a @", "@", "{}"]].concat();
        let mut command = crate::support::steward(&all);
        let _work = crate::support::Running::start(command.env("REDIS_URL", shop.server.url()));
        shop.wait_for(&id, "done");
        assert_eq!(shop.field::<String>(&id, "result"), expected);
    }
}

#[test]
fn what_does_not_fit_into_an_argument_is_dead_and_says_what_to_do() {
    let shop = Shop::open();
    shop.add("nul", b"a\0b");
    shop.add("long", &[b'x'; 128 << 10]);
    shop.add("fits", &[b'x'; 120 << 10]);
    let _work = shop.work(&["q", "-c", "3", "--env"], "printf %s \"$STEWARD_PAYLOAD\" | wc -c");
    for id in ["nul", "long"] {
        shop.wait_for(id, "dead");
        assert!(shop.field::<String>(id, "error").contains("standard input"));
    }
    shop.wait_for("fits", "done");
    assert_eq!(shop.field::<String>("fits", "result").trim(), "122880");
}

#[test]
fn a_program_that_is_not_there_costs_no_task_anything() {
    let shop = Shop::open();
    shop.add("a", b"");
    let run = |words: &[&str]| shop.server.run(&[&["work", "q"], words].concat());
    assert_eq!(run(&["--", "no-such-program"]).0, 127);
    assert_eq!(run(&["--", "/etc/passwd"]).0, 126);
    assert_eq!(run(&["-I", "@", "--", "echo", "x@"]).0, 64);
    assert_eq!(shop.field::<u64>("a", "deliveries"), 0);
    // One that goes while it works.
    let path = shop.stage.file("program");
    fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (code, _, said) = run(&["--", path.to_str().unwrap()]);
    assert_eq!(code, 127, "{said}");
    assert!(said.contains("No such file"), "{said}");
    assert_eq!(shop.field::<String>("a", "state"), "ready");
    assert_eq!(shop.field::<u64>("a", "attempt"), 0);
}

#[test]
fn queues_are_served_in_the_order_given() {
    let shop = Shop::open();
    for number in 0..3 {
        for queue in ["low", "high", "middle"] {
            let _: String = shop.server.call(&format!("TASK.SCHEDULE {queue} {number}"));
        }
    }
    let _work = shop.work(&["high", "middle", "low"], "echo $STEWARD_QUEUE $(cat) >>done");
    wait_until("all are done", || {
        crate::support::lines(&shop.stage.file("done")).len() == 9
    });
    let expected: Vec<String> = ["high", "middle", "low"]
        .iter()
        .flat_map(|queue| (0..3).map(move |number| format!("{queue} {number}")))
        .collect();
    assert_eq!(crate::support::lines(&shop.stage.file("done")), expected);
}
