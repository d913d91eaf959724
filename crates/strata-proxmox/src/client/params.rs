//! Parameters of a call, form-encoded as PVE wants them, and paths.

use strata_http::encode;

/// Parameters in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter; one of the same name is replaced.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl ToString) -> &mut Self {
        let name = name.into();
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.to_string()));
        self
    }

    /// Adds a parameter and gives the whole back.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a parameter if there is a value.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl ToString>) -> &mut Self {
        if let Some(value) = value {
            self.set(name, value);
        }
        self
    }

    /// Adds a boolean, which PVE writes as 0 or 1.
    pub(crate) fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.set(name, u8::from(value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As `application/x-www-form-urlencoded`.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // A value with NULs is a list: the parameter comes once for each item.
        let each = self
            .0
            .iter()
            .flat_map(|(name, value)| value.split('\0').map(move |value| (name, value)));
        for (name, value) in each {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }
}

impl Extend<(String, String)> for Params {
    fn extend<T: IntoIterator<Item = (String, String)>>(&mut self, pairs: T) {
        for (name, value) in pairs {
            self.set(name, value);
        }
    }
}

/// Joins segments to a path below the API's base; each may hold any text.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        encode(segment, &mut path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_and_the_last_of_a_name_counts() {
        let mut params = Params::new();
        params
            .set("net0", "virtio,bridge=vmbr0")
            .flag("onboot", true);
        params.maybe("pool", None::<&str>).set("net0", "a b&c");
        assert_eq!(params.encode(), "onboot=1&net0=a%20b%26c");
    }

    #[test]
    fn names_in_paths_may_hold_slashes() {
        assert_eq!(path(&["storage", "a/b", "x"]), "/storage/a%2Fb/x");
    }
}
