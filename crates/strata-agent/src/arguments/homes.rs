//! `~NAME` at the beginning of a path: the home of another user.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Field, FieldKind, Spec};
use crate::host::{Host, HostError};

impl Spec {
    /// What a task gave, with the homes of users in its paths. A user who is not there stays as written, as in Ansible.
    pub fn with_homes<'a>(
        &self,
        given: &'a Map<String, Value>,
        host: &dyn Host,
    ) -> Result<Cow<'a, Map<String, Value>>, HostError> {
        let mut given = Cow::Borrowed(given);
        let paths = self
            .all_fields()
            .filter(|field| field.kind == FieldKind::Path);
        for name in paths.flat_map(Field::names) {
            let Some((user, rest)) = given.get(name).and_then(of_user) else {
                continue;
            };
            let listed = host.users()?.into_iter().find(|found| found.name == user);
            let found = listed.map_or_else(|| host.find_user(user), |found| Ok(Some(found)));
            let Some(found) = found? else {
                continue;
            };
            let path = format!("{}{rest}", found.home.trim_end_matches('/'));
            given.to_mut().insert(name.to_owned(), path.into());
        }
        Ok(given)
    }
}

/// The user at the beginning of a path, and what follows.
fn of_user(value: &Value) -> Option<(&str, &str)> {
    let path = value.as_str()?.strip_prefix('~')?;
    let (user, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    (!user.is_empty()).then_some((user, rest))
}
