//! What libraries have written around the data of a task: docs/wire-format.md.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// How an envelope begins.
const FIRST: &[u8] = b"{\"steward\":1,";
/// What its meta has for the environment of a program, as W3C Trace Context names it.
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// The trace that a task belongs to, by these names.
pub(super) type Trace = Vec<(&'static str, String)>;

/// The data in a payload, and the trace that the task belongs to. Anything but an envelope is data as it is.
pub(super) fn open(payload: Vec<u8>) -> (Vec<u8>, Trace) {
    match opened(&payload) {
        Some(opened) => opened,
        None => (payload, Vec::new()),
    }
}

fn opened(payload: &[u8]) -> Option<(Vec<u8>, Trace)> {
    if !payload.starts_with(FIRST) {
        return None;
    }
    // The data is not read, so that it stays as it was written.
    let parts: BTreeMap<String, &RawValue> = serde_json::from_slice(payload).ok()?;
    let meta: Value = serde_json::from_str(parts.get("meta")?.get()).ok()?;
    let data = parts.get("data")?.get().as_bytes().to_vec();
    let meta = meta.as_object()?;
    let of = |name: &'static str| Some((name, meta.get(name)?.as_str()?.to_string()));
    Some((data, TRACE.into_iter().filter_map(of).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(part: &str) -> Vec<Value> {
        let text = include_str!("../../../clients/wire/vectors.json");
        let all: Value = serde_json::from_str(text).unwrap();
        all[part].as_array().unwrap().clone()
    }

    fn payload(vector: &Value) -> Vec<u8> {
        vector["payload"].as_str().unwrap().as_bytes().to_vec()
    }

    #[test]
    fn the_vectors_of_the_wire_format_are_opened() {
        for vector in [vectors("encode"), vectors("decode")].concat() {
            let (data, trace) = open(payload(&vector));
            assert_eq!(
                serde_json::from_slice::<Value>(&data).unwrap(),
                vector["data"],
                "{vector}"
            );
            let traced = trace.first().map(|(_, value)| Value::from(value.clone()));
            assert_eq!(traced.as_ref(), vector["meta"].get("traceparent"), "{vector}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_data() {
        for vector in vectors("refuse") {
            let payload = vector.as_str().unwrap().as_bytes().to_vec();
            assert_eq!(open(payload.clone()), (payload, Vec::new()), "{vector}");
        }
    }

    #[test]
    fn data_stays_as_it_was_written() {
        let written = br#"{"steward":1,"meta":{"tracestate":"a=1"},"data":{"z": 1.0, "a" :12345678901234567890}}"#;
        let (data, trace) = open(written.to_vec());
        assert_eq!(data, br#"{"z": 1.0, "a" :12345678901234567890}"#);
        assert_eq!(trace, [("tracestate", "a=1".to_string())]);
    }
}
