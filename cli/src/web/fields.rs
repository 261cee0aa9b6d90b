//! Names and values as they are in addresses and forms.

use super::trouble::Trouble;

/// In their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// What was given, and is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &value[..]).filter(|value| !value.is_empty())
    }

    /// All that were given by this name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Trouble> {
        self.get(name)
            .ok_or_else(|| Trouble::Wrong(format!("{name} is missing")))
    }

    /// The same with other values for these names, none where that is empty.
    pub(super) fn with(&self, changed: &[(&str, &str)]) -> Fields {
        let kept = |(name, _): &&(String, String)| !changed.iter().any(|(known, _)| known == name);
        let mut all: Vec<(String, String)> = self.0.iter().filter(kept).cloned().collect();
        let new = changed.iter().filter(|(_, value)| !value.is_empty());
        all.extend(new.map(|(name, value)| (name.to_string(), value.to_string())));
        Fields(all)
    }

    /// As the query of an address.
    pub(super) fn query(&self) -> String {
        let parts = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        parts.collect::<Vec<_>>().join("&")
    }
}

impl From<&[(&str, &str)]> for Fields {
    fn from(pairs: &[(&str, &str)]) -> Fields {
        Fields::default().with(pairs)
    }
}

/// Percent-encoded, so that nothing in it can end or begin a part of an address.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_any_value() {
        let fields = Fields::from(&[("queue", "a&b=c/é"), ("state", "ready"), ("q", "")][..]);
        assert_eq!(fields.query(), "queue=a%26b%3Dc%2F%C3%A9&state=ready");
        assert_eq!(
            fields.with(&[("state", ""), ("kind", "x")]).query(),
            "queue=a%26b%3Dc%2F%C3%A9&kind=x"
        );
        assert_eq!((fields.get("state"), fields.get("q")), (Some("ready"), None));
    }
}
