//! `template_file`: a template, filled in.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use crate::{Settings, digests::hex, failure::failed};

/// A text with `${…}` and `%{…}` in it, filled in with variables and Terraform's functions.
#[derive(Default, Schema)]
pub(crate) struct TemplateFile {
    /// The template itself; of a file, `file(PATH)`.
    template: Option<String>,
    /// What it may refer to: texts, numbers and booleans, which it sees as texts.
    vars: Option<BTreeMap<String, String>>,
    /// What the template gave.
    #[schema(computed)]
    rendered: String,
    /// The SHA-256 of what it gave.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for TemplateFile {
    const NAME: &'static str = "template_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let template = self.template.as_deref().unwrap_or_default();
        let none = BTreeMap::new();
        let variables = self.vars.as_ref().unwrap_or(&none);
        let rendered = context.client.templates.fill_in(template, variables);
        self.rendered = rendered.map_err(|why| failed("The template cannot be rendered", why))?;
        self.id = hex(&Sha256::digest(&self.rendered));
        Ok(())
    }
}
