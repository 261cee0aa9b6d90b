//! Whether the module on the server and this program are of versions that understand each other.

use redis::cmd;

use super::{CallError, Connector, Link, PATIENCE};
use crate::failure::{Failure, say};

/// Errors when they do not.
pub(super) fn ensure(connector: &Connector, link: &mut Link) -> Result<(), Failure> {
    let info = match link.call(cmd("INFO").arg("modules"), PATIENCE) {
        Ok(reply) => reply.text().unwrap_or_default(),
        // Users of workers may not ask; they hear of a missing module with the first command.
        Err(CallError::Server { .. }) => return Ok(()),
        Err(error) => return Err(connector.failure(&error)),
    };
    let Some(line) = info.lines().find(|line| line.starts_with("module:name=steward,")) else {
        return Err(Failure::unavailable(
            "the server has no module steward: load it, see docs/quickstart.md",
        ));
    };
    let found = line
        .split(',')
        .find_map(|field| field.strip_prefix("ver=")?.parse().ok());
    match found {
        Some(found) => compare(found, ours()),
        None => Ok(()),
    }
}

/// Our version as the module writes its own: 100 is 0.1.0.
fn ours() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 100
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// Before 1.0 the second number is the one that says what may not be mixed.
fn compare(module: u32, ours: u32) -> Result<(), Failure> {
    let generation = |version: u32| {
        if version < 10_000 {
            version / 100
        } else {
            version / 10_000 * 100
        }
    };
    let shown = |version: u32| format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100);
    if generation(module) != generation(ours) {
        return Err(Failure::config(format!(
            "the module on the server is {}, this program {}: install the same version",
            shown(module),
            shown(ours)
        )));
    }
    if module < ours {
        say(format_args!(
            "the module on the server is {}, older than this program, {}",
            shown(module),
            shown(ours)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_generation_understand_each_other() {
        assert!(compare(100, 100).is_ok());
        assert!(compare(103, 100).is_ok());
        assert!(compare(10_203, 10_100).is_ok());
        for (module, ours) in [(200, 100), (100, 10_000), (20_000, 10_000)] {
            assert_eq!(compare(module, ours).unwrap_err().code, crate::failure::CONFIG);
        }
        let told = compare(200, 100).unwrap_err().text;
        assert!(told.contains("0.2.0") && told.contains("0.1.0"), "{told}");
    }
}
