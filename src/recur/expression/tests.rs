//! What is taken, what is refused, and what an error says.

use super::*;

fn error(text: &str) -> String {
    match parse(text) {
        Err(error) => error.to_string(),
        Ok((stored, _)) => format!("taken: {stored}"),
    }
}

#[test]
fn what_is_promised_is_taken() {
    for text in [
        "* * * * *",
        "*/5 * * * *",
        "0 0 1,15 * *",
        "0 9-17/2 * JAN-jun,Dec Mon-FRI",
        "30 0 0 * * *",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 15W * ?",
        "0 0 ? * 5L",
        "0 0 ? * FRIL",
        "0 0 ? * FRI#L",
        "0 0 ? * 5#2",
        "0 0 13 * +FRI",
        "0 0 * * SAT-SUN",
        "0 0 * * 7",
        "0 0 29 2 *",
        "0 0 29 2 +MON#5",
        "  0\t0  * * *  ",
        "*/100 * * * *",
    ] {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text).err());
    }
    for (shorthand, meaning) in SHORTHANDS {
        let upper = shorthand.to_uppercase();
        assert_eq!(
            parse(&upper).unwrap().1,
            parse(&meaning.join(" ")).unwrap().1,
            "{shorthand}"
        );
        assert_eq!(parse(&upper).unwrap().0, upper);
    }
    assert_eq!(parse("  0\t0  * * *  ").unwrap().0, "0 0 * * *");
}

#[test]
fn an_error_names_the_field_and_what_it_allows() {
    let rest = "*, a range a-b, a step */n or a-b/n, or a list of these";
    let cases = [
        ("60 * * * *", "minute must be 0 to 59"),
        ("* 24 * * *", "hour must be 0 to 23"),
        ("* * 0 * *", "day must be 1 to 31, L, LW or 15W"),
        ("* * * 13 *", "month must be 1 to 12 or JAN to DEC"),
        ("* * * * 8", "weekday must be 0 to 7 or SUN to SAT, 5L or 5#2"),
        ("60 * * * * *", "second must be 0 to 59"),
    ];
    for (text, wanted) in cases {
        assert_eq!(error(text), format!("BADARG CRON {wanted}, {rest}"));
    }
    for (text, wanted) in [
        ("0/15 * * * *", "minute 0/15 must be written 0-59/15"),
        ("/5 * * * * *", "second /5 must be written */5"),
        ("0 2,8/4 * * *", "hour 2,8/4 must be written 2,8-23/4"),
        ("0 0 1/2 * *", "day 1/2 must be written 1-31/2"),
        ("0 0 1 2/3 *", "month 2/3 must be written 2-12/3"),
        ("0 0 * * +1/2", "weekday +1/2 must be written +1-6/2"),
        (
            "TZ=Europe/Paris 0 9 * * *",
            "must be the fields only: write TZ Europe/Paris after it",
        ),
        (
            "cron_tz=UTC 0 9 * * *",
            "must be the fields only: write TZ UTC after it",
        ),
        ("TZ=UTC @daily", "must be the fields only: write TZ UTC after it"),
    ] {
        assert_eq!(error(text), format!("BADARG CRON {wanted}"));
    }
    assert_eq!(
        error("@never"),
        "BADARG CRON must be fields or one of @hourly @daily @midnight @weekly @monthly @yearly @annually"
    );
    assert_eq!(
        error("* * *"),
        "BADARG CRON must have 5 fields (minute hour day month weekday), or 6 with the second first"
    );
    assert_eq!(
        error("0 0 30 2 *"),
        "BADARG CRON 0 0 30 2 * never comes: no month has such a day"
    );
}

#[test]
fn nonsense_is_refused() {
    let long = format!("{} * * * *", "1,".repeat(5_000));
    let wide = "*".repeat(10_000);
    let starred = "* ".repeat(5_000);
    for text in [
        "",
        " ",
        "*",
        "* * * *",
        "* * * * * * *",
        "*/0 * * * *",
        "* */0 * * *",
        "5/0 * * * *",
        "0/15 * * * *",
        "/5 * * * *",
        "0/5,x * * * *",
        "TZ=\u{7f}%s\0 * * * * *",
        "*/ * * * *",
        "*/65535000 * * * *",
        "1-5/65535 0 0 0 0",
        "99999999999999999999 * * * *",
        "-1 * * * *",
        "1- * * * *",
        "5-1 * * * *",
        "1-5-7 * * * *",
        ", * * * *",
        "1, * * * *",
        "1,,2 * * * *",
        "* * MON * *",
        "MON * * * *",
        "* * * MON *",
        "* * * * JAN",
        "* * * * SUNDAY",
        "* * * JANUARY *",
        "* * * * 1MON",
        "* * * * L",
        "* * * * 5W",
        "* * * L *",
        "L * * * *",
        "? * * * *",
        "* * * ? *",
        "+5 * * * *",
        "* * +5 * *",
        "* * * * ++5",
        "* * * * 5#6",
        "* * * * 5#0",
        "* * * * #",
        "* * * * 5#",
        "* * L-3 * *",
        "* * 32W * *",
        "* * W * *",
        "* * 0W * *",
        "* * * * FRI-MON",
        "@",
        "@@daily",
        "@reboot",
        "x@daily",
        "@daily @daily",
        "* * * * * 2026",
        "é * * * *",
        "\u{0661} * * * *",
        "* * * * \u{ff0a}",
        "0 0 31 4,6,9,11 *",
        "0 0 30 FEB *",
        "0 0 30 2 +MON",
        "* * 31 2 +*",
        "0\0 * * * *",
        "%s %n * * *",
        "* * * * */8#1L",
        &long,
        &wide,
        &starred,
    ] {
        let error = error(text);
        assert!(
            error.starts_with("BADARG CRON ") && error.len() < 700,
            "{text}: {error}"
        );
    }
}
