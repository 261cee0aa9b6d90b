//! redis.conf.example: it loads, and its statements are true.

use std::fs;

use crate::support::{Server, Value};

const MODULE_LINE: &str = "\nloadmodule /path/to/libsteward.so\n";

fn settings(server: &Server) -> Vec<(String, String)> {
    let Value::Map(pairs) = server.client().must("CONFIG GET steward.*") else {
        panic!("a map")
    };
    let mut settings: Vec<_> = pairs.iter().map(|(name, value)| (name.text(), value.text())).collect();
    settings.sort();
    settings
}

#[test]
fn it_loads_and_has_every_setting_with_its_default_and_range() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/redis.conf.example")).unwrap();
    assert!(example.contains(MODULE_LINE));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("example.conf");
    // The harness knows where the module is.
    fs::write(&file, example.replace(MODULE_LINE, "")).unwrap();
    let server = Server::builder().set("include", &file.display().to_string()).start();
    let defaults = settings(&Server::start());
    assert_eq!(settings(&server), defaults);
    let mut client = server.client();
    for (name, value) in defaults {
        assert!(example.contains(&format!("\n{name} {value}\n")), "{name} {value}");
        if value == "yes" {
            continue;
        }
        let refusal = client
            .call(&format!("CONFIG SET {name} 9223372036854775807"))
            .to_string();
        let numbers: Vec<&str> = refusal
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| !word.is_empty())
            .collect();
        let [min, max] = numbers[..] else { panic!("{refusal}") };
        let described = example
            .split(&format!("\n{name} "))
            .next()
            .unwrap()
            .rsplit("\n\n")
            .next()
            .unwrap();
        assert!(
            described.contains(&format!("{min} to {max}")),
            "{name}: {min} to {max}\n{described}"
        );
        assert!(
            described.contains(&format!("Default {value}")),
            "{name}: {value}\n{described}"
        );
    }
}
