//! `random`: chance that stays as it is, as hashicorp/random 3.7 has it.
//!
//! Every argument forces a new value; what comes out lives only in state. With a `seed` the same
//! arguments always give the same result, though not the one that the original gives.

mod bytes;
pub(crate) mod chance;
mod ephemeral_password;
mod id;
mod integer;
pub(crate) mod password;
mod pet;
mod shuffle;
mod string;
mod text;
mod uuid;

use std::{collections::BTreeMap, sync::Arc};

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// Values whose change makes a new result.
type Keepers = Option<BTreeMap<String, Option<String>>>;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "random",
        "registry.terraform.io/hashicorp/random",
        settings.clone(),
    )
    .resource::<bytes::RandomBytes>()
    .resource::<id::RandomId>()
    .resource::<integer::RandomInteger>()
    .resource::<password::RandomPassword>()
    .resource::<pet::RandomPet>()
    .resource::<shuffle::RandomShuffle>()
    .resource::<string::RandomString>()
    .resource::<uuid::RandomUuid>()
    .ephemeral::<ephemeral_password::EphemeralPassword>()
    .build()
}
