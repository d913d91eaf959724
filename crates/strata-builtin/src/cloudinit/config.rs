//! `cloudinit_config`: as a data source and as a resource, which is the same but kept in state.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, Crc, GzBuilder};
use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, ResourceType, Schema};

use super::mime::{self, Part};
use crate::{
    Settings,
    failure::{error, failed},
};

/// User data for cloud-init, out of several parts.
#[derive(Default, Schema)]
pub(crate) struct CloudinitConfig {
    /// Whether to compress it; needs `base64_encode`.
    #[schema(default = true, replace)]
    gzip: bool,
    /// Whether to encode it.
    #[schema(default = true, replace)]
    base64_encode: bool,
    /// What stands between parts.
    #[schema(default = "MIMEBOUNDARY", replace, check = is_boundary)]
    boundary: String,
    #[schema(block(list, min = 1), replace)]
    part: Vec<CloudinitPart>,
    /// The user data.
    #[schema(computed, stable)]
    rendered: String,
    /// A checksum of the user data.
    #[schema(computed, stable)]
    id: String,
}

/// A part of the user data.
#[derive(Default, Schema)]
pub(crate) struct CloudinitPart {
    /// What is in it.
    content: String,
    /// What kind of thing it is.
    #[schema(default = "text/plain")]
    content_type: String,
    /// What it is called.
    filename: Option<String>,
    /// How cloud-init puts it together with others.
    merge_type: Option<String>,
}

/// The boundary's characters and length are those of RFC 2046.
fn is_boundary(value: &Value) -> Result<(), String> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || " '()+_,-./:=?".contains(c);
    match (1..=70).contains(&text.len()) && text.chars().all(plain) && !text.ends_with(' ') {
        true => Ok(()),
        false => {
            Err("must have 1 to 70 characters of those that a MIME boundary may have".to_owned())
        }
    }
}

/// Compressing needs encoding.
pub(crate) fn check(config: &Value, diags: &mut Diagnostics) {
    let flag = |name: &str| match config.get(name) {
        Some(value) if value.is_null() => Some(true),
        value => value.and_then(Value::as_bool),
    };
    if (flag("gzip"), flag("base64_encode")) == (Some(true), Some(false)) {
        diags.push(error(
            "Invalid Attribute Combination",
            "Expected base64_encode to be set to true when gzip is true",
        ));
    }
}

/// The user data of some parts.
pub(crate) fn render(
    boundary: &str,
    parts: &[CloudinitPart],
    gzip: bool,
    base64_encode: bool,
) -> Result<String, Diagnostics> {
    let parts = parts.iter().map(|part| Part {
        content: &part.content,
        content_type: &part.content_type,
        filename: part.filename.as_deref(),
        merge_type: part.merge_type.as_deref(),
    });
    let message = mime::message(boundary, parts);
    let bytes = match gzip {
        true => compressed(message.as_bytes()).map_err(|_| {
            failed(
                "Unable to render cloudinit config",
                "The user data could not be compressed.",
            )
        })?,
        false => message.into_bytes(),
    };
    Ok(match base64_encode {
        true => STANDARD.encode(&bytes),
        // Only what is compressed is not text, and that is always encoded.
        false => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// What such user data has for an id.
pub(crate) fn checksum(rendered: &str) -> String {
    let mut checksum = Crc::new();
    checksum.update(rendered.as_bytes());
    checksum.sum().to_string()
}

impl CloudinitConfig {
    fn render(&mut self) -> Result<(), Diagnostics> {
        let rendered = render(&self.boundary, &self.part, self.gzip, self.base64_encode)?;
        self.id = checksum(&rendered);
        self.rendered = rendered;
        Ok(())
    }
}

/// Compresses with a header that is always the same.
fn compressed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

impl DataSourceType for CloudinitConfig {
    const NAME: &'static str = "cloudinit_config";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        check(config, diags);
    }

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.render()
    }
}

impl ResourceType for CloudinitConfig {
    const NAME: &'static str = "cloudinit_config";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        check(config, diags);
    }

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.render()
    }
}
