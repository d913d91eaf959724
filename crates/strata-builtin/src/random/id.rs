//! `random_id`: random bytes in several spellings.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{Keepers, chance::Chance};
use crate::{Settings, decimal::decimal, digests::hex, failure::bad_import};

/// Random bytes, as names of things have them: in hexadecimal, decimal and base64.
#[derive(Default, Schema)]
pub(crate) struct RandomId {
    /// Values whose change makes a new id.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// How many bytes it has.
    #[schema(replace, range(1..=4096))]
    byte_length: u32,
    /// What stands before each spelling.
    #[schema(replace)]
    prefix: Option<String>,
    /// The bytes in base64 with URL-safe characters, without padding.
    #[schema(computed, stable)]
    b64_url: String,
    /// The bytes in base64.
    #[schema(computed, stable)]
    b64_std: String,
    /// The bytes in hexadecimal.
    #[schema(computed, stable)]
    hex: String,
    /// The bytes as a decimal number.
    #[schema(computed, stable)]
    dec: String,
    /// The bytes in base64 with URL-safe characters, without the prefix.
    #[schema(computed, stable)]
    id: String,
}

impl RandomId {
    fn fill(&mut self, bytes: &[u8]) {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        self.id = URL_SAFE_NO_PAD.encode(bytes);
        self.b64_url = format!("{prefix}{}", self.id);
        self.b64_std = format!("{prefix}{}", STANDARD.encode(bytes));
        self.hex = format!("{prefix}{}", hex(bytes));
        self.dec = format!("{prefix}{}", decimal(bytes));
    }
}

impl ResourceType for RandomId {
    const NAME: &'static str = "random_id";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let bytes = Chance::System.bytes(self.byte_length as usize)?;
        self.fill(&bytes);
        Ok(())
    }

    /// The id is `b64_url`, or a prefix, a comma and `b64_url`.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let (prefix, text) = match id.rsplit_once(',') {
            Some((prefix, text)) => (Some(prefix.to_owned()), text),
            None => (None, id),
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| bad_import(Self::NAME, "PREFIX,BASE64_URL"))?;
        let byte_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut imported = Self {
            byte_length,
            prefix,
            ..Self::default()
        };
        imported.fill(&bytes);
        Ok(imported)
    }
}
