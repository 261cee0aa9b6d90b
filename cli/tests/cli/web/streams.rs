//! How many pages follow the server at a time.

use super::Web;
use super::house::{create_users, furnish};
use crate::support::{Server, wait_until};

#[test]
fn one_user_follows_fifty_pages_at_most_and_leaves_room_for_others() {
    let server = Server::start();
    let _house = furnish(&server);
    create_users(&server);
    let web = Web::start(&server, &[]);
    let (viewer, operator) = (web.login("viewer", "change-me"), web.login("operator", "change-me"));
    let again = web.login("viewer", "change-me");
    let mut followed: Vec<_> = (0..50)
        .map(|number| if number % 2 == 0 { &viewer } else { &again }.follow("/dead").unwrap())
        .collect();
    assert_eq!(viewer.follow("/dead").err(), Some(429));
    assert_eq!(
        again.follow("/cron").err(),
        Some(429),
        "another browser of the same user"
    );
    let refused = viewer.with("Accept: text/event-stream").get("/dead");
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert!(refused.body.contains("close some"), "{}", refused.body);
    viewer.get("/dead").shows(&["no such address"]);
    operator.follow("/dead").unwrap();
    followed.pop();
    wait_until("a place is free again", || viewer.follow("/dead").is_ok());
}

#[test]
fn all_together_follow_two_hundred_pages_at_most() {
    let server = Server::start();
    for number in 0..5 {
        let _: String = server.call(&format!("ACL SETUSER u{number} on >pw ~* +@all"));
    }
    let web = Web::start(&server, &[]);
    let browsers: Vec<_> = (0..5).map(|number| web.login(&format!("u{number}"), "pw")).collect();
    let each = browsers[..4]
        .iter()
        .flat_map(|browser| (0..50).map(|_| browser.follow("/cron").unwrap()));
    let mut followed: Vec<_> = each.collect();
    assert_eq!(browsers[4].follow("/cron").err(), Some(503));
    assert_eq!(browsers[4].get("/cron").status, 200);
    followed.pop();
    wait_until("a place is free again", || browsers[4].follow("/cron").is_ok());
}
