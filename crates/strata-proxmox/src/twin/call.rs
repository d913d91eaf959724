//! A request as the functions of [`super::calls`] see it: checked, with all parameters as texts.

use std::collections::BTreeMap;

use super::{
    answer::Refusal,
    api::{self, Method},
};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// `root@pam`; empty if nobody logged in.
    pub(super) user: String,
    /// The token's name if one was used.
    pub(super) token: Option<String>,
}

impl Identity {
    /// True for root itself, which a token of root is not.
    pub(super) fn is_root(&self) -> bool {
        self.user == "root@pam" && self.token.is_none()
    }

    /// As tasks name it: `root@pam` or `root@pam!t1`.
    pub(super) fn name(&self) -> String {
        match &self.token {
            Some(token) => format!("{}!{token}", self.user),
            None => self.user.clone(),
        }
    }
}

/// A file of an upload.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// A checked request.
pub(super) struct Call {
    pub(super) method: &'static Method,
    pub(super) who: Identity,
    pub(super) params: BTreeMap<String, String>,
    pub(super) file: Option<File>,
}

impl Call {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// A parameter that the description asks for.
    pub(super) fn need(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("1")
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn node(&self) -> &str {
        self.need("node")
    }

    pub(super) fn vmid(&self) -> u32 {
        self.need("vmid").parse().unwrap_or_default()
    }

    /// The names in a list parameter.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        split(self.need(name))
    }

    /// The parameters but for those named.
    pub(super) fn rest(&self, without: &[&str]) -> BTreeMap<String, String> {
        let all = self
            .params
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()));
        all.map(|(name, text)| (name.clone(), text.clone()))
            .collect()
    }

    /// Takes a property string apart by the format of a parameter of this method.
    pub(super) fn parts(
        &self,
        name: &str,
        text: &str,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let facts = api::parameter(&self.method.parameters, name);
        let Some(facts) = facts else {
            return Ok(BTreeMap::new());
        };
        api::parse_property(api::resolve(&facts["format"]), text)
            .map_err(|error| Refusal::parameter(name, format!("invalid format - {}\n", error.0)))
    }
}

/// Splits a list as PVE does: at commas, semicolons, NULs and spaces.
pub(super) fn split(text: &str) -> Vec<String> {
    let separator = |c: char| c == ',' || c == ';' || c == '\0' || c.is_whitespace();
    text.split(separator)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}
