//! Whether the module on the server and this program are of versions that understand each other.

use redis::cmd;

use super::{CallError, Connector, Link, PATIENCE};
use crate::failure::{Failure, say};

/// Errors when they do not.
pub(super) fn ensure(connector: &Connector, link: &mut Link) -> Result<(), Failure> {
    match of(link) {
        Ok(found) => found.map_or_else(|| Err(missing(link)), |found| compare(found, ours())),
        // Users of workers may not ask; they hear of a missing module with the first command.
        Err(CallError::Server { .. }) => Ok(()),
        Err(error) => Err(connector.failure(&error)),
    }
}

/// Of a server without the module.
fn missing(link: &mut Link) -> Failure {
    let info = link.call(cmd("INFO").arg("server"), PATIENCE);
    let is_sentinel = info.is_ok_and(|info| info.text().is_some_and(|text| text.contains("_mode:sentinel")));
    let node = link.node();
    if is_sentinel {
        return Failure::usage(format!("{node} is a sentinel: use redis+sentinel://{node}/NAME"));
    }
    Failure::unavailable(format!(
        "{node} does not have the module steward: load it, see docs/quickstart.md"
    ))
}

/// The version of the module on a server; none without it.
pub(crate) fn of(link: &mut Link) -> Result<Option<u32>, CallError> {
    let info = link.call(cmd("INFO").arg("modules"), PATIENCE)?.text();
    let info = info.unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("module:name=steward,"));
    Ok(line.and_then(|line| {
        line.split(',')
            .find_map(|field| field.strip_prefix("ver=")?.parse().ok())
    }))
}

/// A version as people write it: 100 is 0.1.0.
pub(crate) fn shown(version: u32) -> String {
    format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

/// Our version as the module writes its own.
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
