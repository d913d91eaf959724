//! What a type's functions are given besides the object.

use strata_core::{Value, provider::Progress};

/// What create, read, update and delete are given besides the object.
pub struct Context<'a, C> {
    /// What the provider's configuration made: a client, settings.
    pub client: &'a C,
    /// The configuration where there is one (create and update): tells what the user set from what was defaulted.
    pub config: Option<&'a Value>,
    /// Marks what is created, so that it is found again after a crash; empty unless creating.
    pub marker: &'a str,
    /// Takes notes on what is under way.
    pub progress: &'a Progress,
    /// What the type remembers about the object, hidden from users.
    pub private: Vec<u8>,
    exists: bool,
}

impl<'a, C> Context<'a, C> {
    /// For an object that is there, or is not yet.
    pub fn new(client: &'a C, progress: &'a Progress, exists: bool) -> Self {
        Self {
            client,
            config: None,
            marker: "",
            progress,
            private: Vec::new(),
            exists,
        }
    }

    /// Says that the object is there now: if what follows fails, it is recorded as half made, and will be replaced.
    pub fn created(&mut self) {
        self.exists = true;
    }

    /// Says that the object is gone: if what follows fails, nothing is recorded.
    pub fn deleted(&mut self) {
        self.exists = false;
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }
}
