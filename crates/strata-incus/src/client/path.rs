//! Paths of the API: names are percent-encoded, the project is a query.

use strata_http::encode;

/// A path below `/1.0` with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiPath(String);

impl ApiPath {
    /// Joins segments below `/1.0`; each may hold any text.
    pub(crate) fn new(segments: &[&str]) -> Self {
        let mut path = String::from("/1.0");
        for segment in segments {
            path.push('/');
            encode(segment, &mut path);
        }
        Self(path)
    }

    /// Adds a query parameter.
    #[must_use]
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        encode(value, &mut self.0);
        self
    }

    /// Adds the project, which the server takes to be `default` if left out.
    #[must_use]
    pub(crate) fn project(self, project: &str) -> Self {
        match project {
            "default" => self,
            project => self.query("project", project),
        }
    }

    /// The text as it goes into the request line, for a call.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// The text as it goes into the request line.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_the_default_project_is_left_out() {
        let path = ApiPath::new(&["images", "aliases", "debian/12"]);
        assert_eq!(
            path.clone().project("default").as_str(),
            "/1.0/images/aliases/debian%2F12"
        );
        assert_eq!(
            path.project("a b").query("recursion", "1").as_str(),
            "/1.0/images/aliases/debian%2F12?project=a%20b&recursion=1"
        );
    }
}
