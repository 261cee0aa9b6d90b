//! What is refused, whoever asks.

use super::house::furnish;
use super::{Browser, Web};
use crate::support::{Server, steward, told};

#[test]
fn foreign_names_origins_and_forms_are_refused() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--host", "tasks.example"]);
    let browser = web.login("default", "");
    assert_eq!(browser.get("/").status, 200);
    for host in [
        "example.org",
        "127.0.0.1:1",
        "localhost",
        "127.0.0.1.example.org",
        "tasks.example.org",
        "",
    ] {
        let answer = browser.with(&format!("Host: {host}")).get("/");
        assert_eq!((answer.status, answer.body.contains("mail")), (421, false), "{host}");
    }
    for host in [
        &web.address.replace("127.0.0.1", "localhost")[..],
        "tasks.example",
        "Tasks.Example:80",
    ] {
        assert_eq!(browser.with(&format!("Host: {host}")).get("/").status, 200, "{host}");
    }
    let token = browser.token();
    let pause = |browser: &Browser, token: &str| {
        let fields = [("csrf", token), ("change", "pause"), ("queue", "mail")];
        browser.form("/change", &fields).status
    };
    let own = format!("Origin: http://{}", web.address);
    for header in [
        "Origin: http://example.org",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none",
    ] {
        assert_eq!(pause(&browser.with(header), &token), 403, "{header}");
    }
    for token in ["", "x"] {
        assert_eq!(pause(&browser.with(&own), token), 403);
    }
    let retry = [("change", "retry"), ("queue", "mail"), ("state", "dead")];
    for path in ["/bulk", "/ticked", "/new"] {
        assert_eq!(browser.form(path, &retry).status, 403, "{path} without a token");
    }
    let foreign = browser.with("Origin: http://example.org");
    for path in ["/change", "/bulk", "/ticked", "/new", "/login", "/logout"] {
        let fields = [&[("csrf", &token[..])], &retry[..]].concat();
        assert_eq!(foreign.form(path, &fields).status, 403, "{path}");
        assert_eq!(
            browser.with("Host: example.org").form(path, &fields).status,
            421,
            "{path}"
        );
    }
    assert_eq!(browser.json("/")["queues"][0]["dead_tasks"], 6);
    let other = web.login("default", "").token();
    assert_eq!(pause(&browser, &other), 403, "of another session");
    assert_eq!(pause(&web.stranger(), &token), 303, "to the login");
    assert_eq!(stat(&server), None);
    assert_eq!(
        pause(&browser.with(&own).with("Sec-Fetch-Site: same-origin"), &token),
        303
    );
    assert_eq!(stat(&server), Some(-1));
}

/// The end of the pause.
fn stat(server: &Server) -> Option<i64> {
    let mut stats: std::collections::HashMap<String, redis::Value> = server.call("TASK.STATS mail");
    redis::from_redis_value(stats.remove("paused_until").unwrap()).unwrap()
}

#[test]
fn answers_may_be_neither_framed_nor_kept_and_run_no_foreign_script() {
    let server = Server::start();
    let web = Web::start(&server, &[]);
    let login = web.stranger().get("/login");
    let policy = login.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(login.header("cache-control"), Some("no-store"));
    assert_eq!(login.header("x-content-type-options"), Some("nosniff"));
    assert!(
        !login.body.contains("<style") && !login.body.contains("style=") && !login.body.contains("http://"),
        "{}",
        login.body
    );
    let answer = web.stranger().form("/login", &[("user", "default"), ("password", "")]);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    for path in ["/", "/queue?name=mail", "/payload?queue=mail&id=ann"] {
        let answer = web.stranger().get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/login?next="), "{path}");
        for form in ["application/json", "text/event-stream"] {
            assert_eq!(
                web.stranger().with(&format!("Accept: {form}")).get(path).status,
                401,
                "{path}"
            );
        }
    }
    for path in ["/steward.css", "/steward.js", "/steward.svg"] {
        assert_eq!(web.stranger().get(path).status, 200, "{path}");
    }
    assert_eq!(web.stranger().with("Host: probe").get("/healthz").body, "ok\n");
}

#[test]
fn a_session_ends_with_a_logout() {
    let server = Server::start();
    let web = Web::start(&server, &[]);
    let browser = web.login("default", "");
    let token = browser.token();
    browser.form("/logout", &[("csrf", "x")]);
    assert_eq!(browser.get("/").status, 200, "another site cannot end it");
    browser.form("/logout", &[("csrf", &token)]);
    assert_eq!(browser.get("/").status, 303);
}

#[test]
fn five_failed_logins_a_minute_are_enough() {
    let server = Server::with("requirepass secret");
    let web = Web::start(&server, &[]);
    let enter = |password| {
        web.stranger()
            .form("/login", &[("user", "default"), ("password", password)])
            .status
    };
    assert_eq!(enter("secret"), 303);
    for _ in 0..5 {
        assert_eq!(enter("wrong"), 401);
    }
    assert_eq!(enter("secret"), 429);
}

#[test]
fn read_only_shows_no_button_and_changes_nothing() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--read-only"]);
    let browser = web.login("default", "");
    let page = browser.get("/queue?name=mail&state=dead");
    page.shows(&["read-only"]);
    assert!(
        !page.body.contains("action=\"/change\"") && !page.body.contains("action=\"/bulk\""),
        "{}",
        page.body
    );
    for path in ["/change", "/bulk", "/ticked", "/new"] {
        let answer = browser.change(
            path,
            &[
                ("change", "retry"),
                ("queue", "mail"),
                ("id", "dead-0"),
                ("state", "dead"),
            ],
        );
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
}

#[test]
fn all_addresses_begin_with_the_base_path() {
    let server = Server::start();
    let _house = furnish(&server);
    let web = Web::start(&server, &["--base-path", "/tasks/", "--no-login"]);
    assert_eq!(web.base, "/tasks");
    let page = web.stranger().get("/");
    page.shows(&["href=\"/tasks/steward.css\"", "href=\"/tasks/queue?name=mail\""]);
    for part in page.body.split("href=\"").chain(page.body.split("action=\"")).skip(1) {
        assert!(
            part.starts_with("/tasks/") || part.starts_with('#') || part.starts_with("<!DOCTYPE"),
            "{part}"
        );
    }
    assert_eq!(web.stranger().get("").header("location"), Some("/tasks/"));
}

#[test]
fn others_reach_it_only_through_a_proxy_with_tls() {
    let server = Server::start();
    let refused = |options: &[&str], said: &str| {
        let words = [&["web"], options].concat();
        let (code, _, error) = told(&steward(&words).env("REDIS_URL", server.url()).output().unwrap());
        assert_eq!((code, error.contains(said)), (64, true), "{options:?}: {error}");
    };
    refused(&["--listen", "0.0.0.0:0"], "--behind-proxy");
    refused(&["--listen", "0.0.0.0:0", "--no-login"], "--no-login");
    refused(&["--behind-proxy"], "--host");
    refused(&["--behind-proxy", "--host", "x", "--no-login"], "--no-login");
    refused(&["--base-path", "tasks"], "/steward");
    let web = Web::start(&server, &["--behind-proxy", "--host", "tasks.example"]);
    let browser = web.stranger().with("Host: tasks.example");
    let login = [("user", "default"), ("password", "")];
    assert_eq!(
        browser
            .with("Origin: http://tasks.example")
            .form("/login", &login)
            .status,
        403
    );
    let answer = browser.with("Origin: https://tasks.example").form("/login", &login);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-steward=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
}
