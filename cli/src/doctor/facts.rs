//! What a server says of itself.

use std::collections::BTreeMap;

use redis::cmd;

use crate::connect::{CallError, Link, PATIENCE};
use crate::failure::Failure;
use crate::output::record::Record;
use crate::verbs::Server;

/// The settings that are looked at.
const SETTINGS: [&str; 10] = [
    "maxmemory",
    "save",
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "io-threads",
    "client-output-buffer-limit",
    "min-replicas-to-write",
    "steward.timer",
    "protected-mode",
];

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub info: BTreeMap<String, String>,
    /// Empty for users who may not ask.
    pub config: BTreeMap<String, String>,
}

impl Facts {
    pub(super) fn ask(server: &mut Server<'_>) -> Result<Facts, Failure> {
        let info = server.call(cmd("INFO").arg("everything"))?.text().unwrap_or_default();
        let mut config = BTreeMap::new();
        // One by one: an older server refuses all when it does not know one.
        for setting in SETTINGS {
            let Ok(reply) = server.link.call(cmd("CONFIG").arg("GET").arg(setting), PATIENCE) else {
                continue;
            };
            let record = Record::of(&reply);
            config.extend(
                record
                    .fields()
                    .filter_map(|(name, value)| Some((name.to_string(), value.text()?))),
            );
        }
        Ok(Facts {
            info: fields(&info),
            config,
        })
    }

    pub(super) fn info(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.info(name).parse().unwrap_or(0)
    }

    pub(super) fn config(&self, name: &str) -> &str {
        self.config.get(name).map_or("", String::as_str)
    }

    /// The version of a server that is Redis and not Valkey: its first two numbers.
    pub(super) fn redis_version(&self) -> Option<(u32, u32)> {
        if self.info.contains_key("valkey_version") {
            return None;
        }
        let mut numbers = self
            .info("redis_version")
            .split('.')
            .map_while(|number| number.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    }
}

pub(super) fn fields(info: &str) -> BTreeMap<String, String> {
    let fields = info.lines().filter_map(|line| line.trim_end().split_once(':'));
    fields.map(|(name, value)| (name.into(), value.into())).collect()
}

/// The version of the module, as it is shown with the list of modules; none without it.
pub(super) fn module_version(link: &mut Link) -> Result<Option<String>, CallError> {
    let info = link
        .call(cmd("INFO").arg("modules"), PATIENCE)?
        .text()
        .unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("module:name=steward,"));
    let version = line.and_then(|line| line.split(',').find_map(|field| field.strip_prefix("ver=")));
    Ok(version.map(String::from))
}
