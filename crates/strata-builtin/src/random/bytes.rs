//! `random_bytes`: random bytes that are a secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{Keepers, chance::Chance};
use crate::{Settings, digests::hex, failure::bad_import};

/// Random bytes that are a secret, for keys; made by the system's cryptographic source of chance.
#[derive(Default, Schema)]
pub(crate) struct RandomBytes {
    /// Values whose change makes new bytes.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// How many bytes there are.
    #[schema(replace, range(1..=16777216))]
    length: u32,
    /// The bytes in base64.
    #[schema(computed, stable, sensitive)]
    base64: String,
    /// The bytes in hexadecimal.
    #[schema(computed, stable, sensitive)]
    hex: String,
}

impl RandomBytes {
    fn fill(&mut self, bytes: &[u8]) {
        self.base64 = STANDARD.encode(bytes);
        self.hex = hex(bytes);
    }
}

impl ResourceType for RandomBytes {
    const NAME: &'static str = "random_bytes";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let bytes = Chance::System.bytes(self.length as usize)?;
        self.fill(&bytes);
        Ok(())
    }

    /// The id is the bytes in base64.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let bytes = STANDARD.decode(id).ok().filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| bad_import(Self::NAME, "BASE64"))?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut imported = Self {
            length,
            ..Self::default()
        };
        imported.fill(&bytes);
        Ok(imported)
    }
}
