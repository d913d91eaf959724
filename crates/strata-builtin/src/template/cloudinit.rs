//! `template_cloudinit_config`: `cloudinit_config` under its first name, whose boundary is always the same.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use crate::{
    Settings,
    cloudinit::{self, CloudinitPart},
};

/// User data for cloud-init, out of several parts.
#[derive(Default, Schema)]
pub(crate) struct TemplateCloudinitConfig {
    /// Whether to compress it; needs `base64_encode`.
    #[schema(default = true)]
    gzip: bool,
    /// Whether to encode it.
    #[schema(default = true)]
    base64_encode: bool,
    #[schema(block(list, min = 1))]
    part: Vec<CloudinitPart>,
    /// The user data.
    #[schema(computed)]
    rendered: String,
    /// A checksum of the user data.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for TemplateCloudinitConfig {
    const NAME: &'static str = "template_cloudinit_config";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        cloudinit::check(config, diags);
    }

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let parts = &self.part;
        let rendered = cloudinit::render("MIMEBOUNDARY", parts, self.gzip, self.base64_encode)?;
        self.id = cloudinit::checksum(&rendered);
        self.rendered = rendered;
        Ok(())
    }
}
