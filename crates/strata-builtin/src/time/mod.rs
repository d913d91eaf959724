//! `time`: moments that stay as they are, as hashicorp/time 0.13 has them.

mod calendar;
mod moment;
mod offset;
mod rotating;
mod sleep;
mod static_;

use std::{collections::BTreeMap, sync::Arc};

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// Values whose change makes a new moment.
type Triggers = Option<BTreeMap<String, Option<String>>>;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "time",
        "registry.terraform.io/hashicorp/time",
        settings.clone(),
    )
    .resource::<offset::TimeOffset>()
    .resource::<rotating::TimeRotating>()
    .resource::<sleep::TimeSleep>()
    .resource::<static_::TimeStatic>()
    .build()
}
