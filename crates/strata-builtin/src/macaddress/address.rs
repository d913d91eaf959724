//! `macaddress`: one address.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use crate::{Settings, failure::failed, random::chance::Chance};

/// The address of a network device, drawn once.
#[derive(Default, Schema)]
pub(crate) struct MacAddress {
    /// The bytes it begins with, as numbers; without them it is a unicast address of local administration.
    #[schema(replace, length(0..=6))]
    prefix: Option<Vec<i64>>,
    /// The address, such as `02:00:5e:10:00:01`.
    #[schema(computed, stable)]
    address: String,
    /// The address.
    #[schema(computed, stable)]
    id: String,
}

impl MacAddress {
    fn prefix(&self) -> Result<Vec<u8>, Diagnostics> {
        let bytes = self.prefix.iter().flatten().map(|byte| u8::try_from(*byte));
        bytes.collect::<Result<_, _>>().map_err(|_| {
            failed(
                "Invalid MAC address prefix",
                "Each number of `prefix` is one byte: 0 to 255.",
            )
        })
    }
}

impl ResourceType for MacAddress {
    const NAME: &'static str = "macaddress";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let prefix = self.prefix()?;
        let mut bytes = Chance::System.bytes(6)?;
        if prefix.is_empty() {
            // The lowest bit would make it a group's, the next one says that no vendor gave it.
            bytes[0] = bytes[0] & 0xfc | 0x02;
        }
        bytes.splice(..prefix.len(), prefix);
        let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.address = parts.join(":");
        self.id = self.address.clone();
        Ok(())
    }
}
