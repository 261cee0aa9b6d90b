//! What a server says of itself.

use std::collections::BTreeMap;

use redis::cmd;

use super::Finding;
use crate::connect::PATIENCE;
use crate::failure::Failure;
use crate::verbs::Server;

/// The settings that are looked at.
const SETTINGS: [&str; 9] = [
    "dir",
    "save",
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
    /// Why it is empty.
    pub left_out: Option<Finding>,
}

impl Facts {
    pub(super) fn ask(server: &mut Server<'_>) -> Result<Facts, Failure> {
        let info = server.call(cmd("INFO").arg("everything"))?.text().unwrap_or_default();
        let (config, left_out) = match server.link.call(cmd("CONFIG").arg("GET").arg(&SETTINGS), PATIENCE) {
            Ok(reply) => (
                reply
                    .pairs()
                    .filter_map(|(name, value)| Some((name, value.text()?)))
                    .collect(),
                None,
            ),
            Err(error) => (
                BTreeMap::new(),
                Some(Finding::left_out("settings", "CONFIG GET", &error)),
            ),
        };
        Ok(Facts {
            info: fields(&info),
            config,
            left_out,
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
