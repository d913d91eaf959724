//! The small providers that everybody uses: `random`, `tls`, `local`, `null`, `external`, `http`, `time`,
//! `cloudinit`, `template`, `archive` and `dns` of HashiCorp, and of others `ansible`, `bcrypt`, `macaddress` and `sops`.
//!
//! A folder is a provider, a file in it a resource or data source type, with the names, arguments and
//! behaviour that the documentation of the original gives (the version stands in
//! each folder's front page). What differs stands in `docs/compatibility.md`. Start reading at
//! [`providers`] and at one type, such as `random/id.rs`; how types are declared says `strata-provider`.
//!
//! Nothing here knows the engine, and nothing reads the environment: [`Settings`] has it all.

mod ansible;
mod archive;
mod bcrypt;
mod cloudinit;
mod decimal;
mod digests;
mod dns;
mod external;
mod failure;
mod http;
mod local;
mod macaddress;
mod null;
mod program;
mod random;
mod settings;
mod sops;
mod template;
mod time;
mod tls;

use std::sync::Arc;

use strata_core::provider::Provider;

pub use settings::{Clock, Settings, Templates};

/// All providers of this crate.
pub fn providers(settings: &Settings) -> Vec<Arc<dyn Provider>> {
    vec![
        ansible::provider(settings),
        archive::provider(settings),
        bcrypt::provider(settings),
        cloudinit::provider(settings),
        dns::provider(settings),
        external::provider(settings),
        http::provider(settings),
        local::provider(settings),
        macaddress::provider(settings),
        null::provider(settings),
        random::provider(settings),
        sops::provider(settings),
        template::provider(settings),
        time::provider(settings),
        tls::provider(settings),
    ]
}
