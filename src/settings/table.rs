//! The settings of a queue as the README shows them.

use super::numbers::Number;
use super::{FIELDS, NUMBERS, QueueSettings, RATE, SERVICE};
use crate::config;
use crate::names::Name;

/// The README's table of all settings of a queue.
pub fn table() -> String {
    let module = config::ModuleConfig::default();
    let queue = Name::new(0, b"mail").expect("a name");
    let mut table = String::from("| setting | what it decides | values | default |\n| --- | --- | --- | --- |\n");
    for field in FIELDS {
        let (meaning, values) = match NUMBERS.iter().find(|number| number.name == field) {
            Some(Number {
                meaning, range, unit, ..
            }) => (
                *meaning,
                format!("{} to {} {unit}", range.0, range.1).trim_end().to_string(),
            ),
            None if field == RATE => (
                "most claims in how many ms, for any stretch of that length; 0: any number",
                "`n/ms`, or 0".into(),
            ),
            None if field == SERVICE => (
                "the service whose members are the workers of the queue",
                "a service of the same slot".into(),
            ),
            None => (
                "the wait between attempts of a task that does not say itself",
                "as BACKOFF of TASK.SCHEDULE".into(),
            ),
        };
        let default = QueueSettings::new(&queue).show(field, &module).expect("a setting");
        let default = if field == SERVICE {
            "its own name".into()
        } else {
            format!("`{default}`")
        };
        table.push_str(&format!("| `{field}` | {meaning} | {values} | {default} |\n"));
    }
    table
}
