//! A map of a reply: a row of a table, or one JSON object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use redis::Value;
use serde_json::{Map, Value as Json, json};

use crate::connect::Reply;

/// Fields whose value is a map itself, which is an array on the wire.
const MAPS: [&str; 2] = ["holder", "meta"];

/// Names and values, in the order of the reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Vec<(String, Reply)>);

impl Record {
    /// Of a reply that is a map.
    pub(crate) fn of(reply: &Reply) -> Record {
        Record(reply.pairs().collect())
    }

    /// The same.
    pub(crate) fn from_map(reply: Reply) -> Record {
        Record(reply.into_pairs().collect())
    }

    /// The maps of an array.
    pub(crate) fn all_of(reply: &Reply) -> Vec<Record> {
        reply.items().iter().map(Record::of).collect()
    }

    /// With another field, the last one.
    pub(crate) fn and(mut self, name: &str, value: impl Into<Reply>) -> Record {
        self.0.push((name.into(), value.into()));
        self
    }

    /// With another field, the first one.
    pub(crate) fn under(mut self, name: &str, value: impl Into<Reply>) -> Record {
        self.0.insert(0, (name.into(), value.into()));
        self
    }

    /// Puts another value into a field.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| known == name) {
            *old = Reply::from(value);
        }
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Reply)> {
        self.0.iter().map(|(name, value)| (&name[..], value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Reply> {
        let found = self.fields().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.get(name)?.0 {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    /// Without some fields.
    pub(crate) fn without(mut self, names: &[&str]) -> Record {
        self.0.retain(|(name, _)| !names.contains(&&name[..]));
        self
    }

    /// As an object. The bytes of a value that is no UTF-8 are there as base64, under a name that says so.
    pub(crate) fn json(&self) -> Json {
        let mut object = Map::new();
        for (name, value) in self.fields() {
            match &value.0 {
                Value::BulkString(bytes) if str::from_utf8(bytes).is_err() => {
                    object.insert(format!("{name}_base64"), json!(BASE64.encode(bytes)));
                }
                Value::Array(_) if MAPS.contains(&name) => {
                    object.insert(name.into(), Record::of(value).json());
                }
                value => {
                    object.insert(name.into(), super::json_of(value));
                }
            }
        }
        Json::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_the_fields_of_the_reply_whatever_their_bytes() {
        let meta = Reply(Value::Array(vec![
            Value::BulkString(b"zone".to_vec()),
            Value::BulkString(b"a\n".to_vec()),
        ]));
        let record = Record::default()
            .and("id", "x\u{1b}\"")
            .and("payload", Reply(Value::BulkString(b"\xff\0".to_vec())))
            .and("due_at", Reply(Value::Nil))
            .and("meta", meta)
            .under("queue", "q");
        assert_eq!(
            record.json().to_string(),
            r#"{"due_at":null,"id":"x\u001b\"","meta":{"zone":"a\n"},"payload_base64":"/wA=","queue":"q"}"#
        );
    }
}
