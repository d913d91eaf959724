//! What the configuration declares, gathered while it is checked: a name that the server does not
//! have, and that nobody declares either, is a mistake that a plan can tell.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::attributes::Attributes;

/// Types and names of declared objects; a name that is not known yet may be any.
#[derive(Default)]
pub(crate) struct Declared(Mutex<BTreeSet<(String, Option<String>)>>);

impl Declared {
    /// Takes note of an object.
    pub(crate) fn add(&self, type_name: &str, config: Attributes<'_>) {
        let name = config.text("name").map(str::to_owned);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((type_name.to_owned(), name));
    }

    /// True if an object of the type may have this name; with no name, if there is any of the type.
    pub(crate) fn has(&self, type_name: &str, name: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|(declared, known)| {
            let fits = known
                .as_deref()
                .is_none_or(|known| name.is_empty() || known == name);
            declared == type_name && fits
        })
    }
}
