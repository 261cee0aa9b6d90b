//! How tasks end.

use std::time::Instant;

use rustix::process::Signal;

use super::Shop;
use crate::support::wait_until;

#[test]
fn the_exit_code_says_what_becomes_of_the_task() {
    let shop = Shop::open();
    for code in ["0", "65", "75", "3", "9"] {
        shop.add(code, code.as_bytes());
    }
    let script = "read -r code; echo out; echo first >&2; echo bad $code >&2; [ $code = 9 ] && kill -9 $$; exit $code";
    let _work = shop.work(&["q", "-c", "2", "--release-delay", "1h"], script);
    shop.wait_for("0", "done");
    assert_eq!(shop.field::<String>("0", "result"), "out\n");
    shop.wait_for("65", "dead");
    assert_eq!(shop.field::<String>("65", "error"), "exit 65: bad 65\nfirst\nbad 65");
    shop.wait_for("75", "scheduled");
    assert_eq!(shop.field::<u64>("75", "attempt"), 0);
    wait_until("it has failed", || shop.field::<Option<String>>("3", "error").is_some());
    assert_eq!(shop.field::<String>("3", "error"), "exit 3: bad 3\nfirst\nbad 3");
    wait_until("it has failed", || shop.field::<Option<String>>("9", "error").is_some());
    assert_eq!(shop.field::<String>("9", "error"), "signal 9\nfirst\nbad 9");
}

#[test]
fn what_is_given_back_too_often_has_failed() {
    let shop = Shop::open();
    shop.add("a", b"");
    let _work = shop.work(&["q", "--release-delay", "0s"], "echo not yet >&2; exit 75");
    wait_until("it has failed", || shop.field::<Option<String>>("a", "error").is_some());
    assert_eq!(shop.field::<String>("a", "error"), "exit 75: not yet\nnot yet");
    assert!(shop.field::<u64>("a", "deliveries") >= 101);
}

#[test]
fn a_task_that_takes_too_long_gets_term_and_then_kill() {
    let shop = Shop::open();
    shop.add("polite", b"trap 'exit 0' TERM");
    shop.add("stubborn", b"trap '' TERM");
    let script = "read -r line; eval \"$line\"; echo begun >&2; while :; do sleep 0.01; done";
    let start = Instant::now();
    let _work = shop.work(&["q", "-c", "2", "--timeout", "1s"], script);
    for id in ["polite", "stubborn"] {
        wait_until("it has failed", || shop.field::<Option<String>>(id, "error").is_some());
        assert_eq!(shop.field::<String>(id, "error"), "time limit 1s\nbegun");
    }
    assert!(start.elapsed().as_secs() >= 6);
}

#[test]
fn standard_output_is_the_result_up_to_a_mebibyte_and_no_part_of_it() {
    let shop = Shop::open();
    shop.add("whole", b"1048576");
    shop.add("more", b"1048577");
    let mut work = shop.work(&["q"], "read -r n; head -c $n /dev/zero | tr '\\0' x");
    // Or its output would fill the pipe.
    let mut output = work.take_output();
    let reader = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    for id in ["whole", "more"] {
        shop.wait_for(id, "done");
    }
    assert_eq!(shop.field::<Vec<u8>>("whole", "result"), vec![b'x'; 1 << 20]);
    assert_eq!(shop.field::<Option<Vec<u8>>>("more", "result"), None);
    work.signal(Signal::TERM);
    let (code, said) = work.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("q more: acknowledged without a result"), "{said}");
    reader.join().unwrap().unwrap();
}

#[test]
fn a_long_error_is_cut_to_its_first_line_and_its_end() {
    let shop = Shop::open();
    shop.add("a", b"");
    let _work = shop.work(&["q"], "seq 1 5000 >&2; echo no disk >&2; exit 1");
    wait_until("it has failed", || shop.field::<Option<String>>("a", "error").is_some());
    let error: String = shop.field("a", "error");
    assert_eq!(error.len(), 4096);
    assert!(
        error.starts_with("exit 1: no disk\n") && error.ends_with("\n5000\nno disk"),
        "{error}"
    );
}

#[test]
fn output_is_passed_on_with_its_queue_and_id() {
    let shop = Shop::open();
    shop.add("a", b"");
    let mut work = shop.work(&["q"], "echo one; printf two; echo three >&2");
    shop.wait_for("a", "done");
    work.signal(Signal::TERM);
    assert_eq!(work.end(), (Some(0), "q a: three".into()));
    assert_eq!(work.rest(), "q a: one\nq a: two\n");

    shop.add("b", b"");
    let mut work = shop.work(&["q", "-o", "json"], "echo one");
    shop.wait_for("b", "done");
    work.signal(Signal::TERM);
    work.end();
    assert_eq!(
        work.rest(),
        "{\"id\":\"b\",\"line\":\"one\",\"queue\":\"q\",\"stream\":\"stdout\"}\n"
    );
}
