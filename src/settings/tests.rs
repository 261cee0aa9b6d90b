//! Unit tests of a queue's settings.

use super::*;
use crate::config::ModuleConfig;

fn queue() -> Name {
    Name::new(0, b"mail").unwrap()
}

#[test]
fn what_is_stored_is_read_and_nonsense_is_passed_over() {
    let field = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let module = ModuleConfig::default();
    let settings = QueueSettings::read(
        &queue(),
        &[
            field("lease", "77"),
            field("attempts", "many"),
            field("backoff", "FIXED 5 MAX 5 JITTER 0"),
            field("paused_until", UNTIL_RESUMED),
            field("drops", "9 7"),
            field("ghosts:3", "12"),
            field("unknown", "1"),
            field("orphaned:w:1", "70"),
            field("orphaned:v", "many"),
            field("service", "elsewhere"),
        ],
    );
    assert_eq!(settings.service, queue());
    assert_eq!(settings.numbers.lease(&module), 77);
    assert_eq!(settings.numbers.attempts(&module), 25);
    assert_eq!(settings.backoff().to_string(), "FIXED 5 MAX 5 JITTER 0");
    assert_eq!(settings.paused, Some(i64::MAX));
    assert_eq!((settings.dropped_below(), settings.ghosts(3)), (9, 12));
    assert_eq!(settings.releases, [("w:1".to_string(), 70)]);
    assert!(settings.is_released("w:1", 69) && !settings.is_released("w:1", 70));
}

#[test]
fn every_field_is_shown_and_checked() {
    let module = ModuleConfig::default();
    for setting in &SETTINGS {
        let (field, shown) = (setting.name, QueueSettings::new(&queue()).show(setting, &module));
        assert_eq!(check(&queue(), field, shown.as_bytes()).unwrap(), (field, shown));
        assert!(check(&queue(), field, b"-1").unwrap_err().to_string().contains(field));
    }
    assert!(check(&queue(), "colour", b"1").is_err());
}

#[test]
fn a_queue_follows_a_service_of_its_slot() {
    let app = Name::new(0, b"{app}mail").unwrap();
    for (queue, service) in [
        (queue(), "{mail}x"),
        (queue(), "mail"),
        (app.clone(), "app"),
        (app, "{app}y"),
    ] {
        let stored = check(&queue, SERVICE, service.as_bytes()).unwrap();
        assert_eq!(stored, (SERVICE, service.to_string()));
        let fields = [(b"service".to_vec(), service.as_bytes().to_vec())];
        assert_eq!(QueueSettings::read(&queue, &fields).service.text(), service);
    }
    for bad in ["other", "{other}mail", "", "*", "{mail}", "{mail}a:b", "\u{7}"] {
        assert_eq!(
            check(&queue(), SERVICE, bad.as_bytes()).unwrap_err().to_string(),
            "BADARG service must be the name of a service in the queue's slot: mail or {mail}rest, without brace or colon in rest"
        );
    }
}
