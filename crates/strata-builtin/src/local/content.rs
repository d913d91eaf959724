//! Where the content of a file comes from.

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::{Diagnostics, Value};

use crate::{Settings, failure::failed};

/// The arguments that can say what is in a file; one of them does.
pub(crate) struct Content<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) base64: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
}

impl Content<'_> {
    /// The content.
    pub(crate) fn bytes(&self, settings: &Settings) -> Result<Vec<u8>, Diagnostics> {
        if let Some(base64) = self.base64 {
            let decoded = STANDARD.decode(base64);
            return decoded
                .map_err(|_| failed("Create local file error", "`content_base64` is not base64."));
        }
        if let Some(source) = self.source {
            return read(settings, source);
        }
        Ok(self.text.unwrap_or_default().as_bytes().to_vec())
    }
}

/// Reads a file that a user named.
pub(crate) fn read(settings: &Settings, filename: &str) -> Result<Vec<u8>, Diagnostics> {
    std::fs::read(settings.path(filename)).map_err(|error| {
        failed(
            "Read local file error",
            format!("The file `{filename}` cannot be read: {error}."),
        )
    })
}

/// Checks that a value is base64.
pub(crate) fn is_base64(value: &Value) -> Result<(), String> {
    match value.as_str().map(|text| STANDARD.decode(text)) {
        Some(Err(_)) => Err("must be base64".to_owned()),
        _ => Ok(()),
    }
}

/// Checks that a value is a mode such as `0644`.
pub(crate) fn is_mode(value: &Value) -> Result<(), String> {
    match value.as_str().map(mode) {
        Some(None) => Err("must be an octal mode such as `0644`".to_owned()),
        _ => Ok(()),
    }
}

/// Reads a mode: three or four octal digits.
pub(crate) fn mode(text: &str) -> Option<u32> {
    let digits =
        (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    digits.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_three_or_four_octal_digits() {
        assert_eq!((mode("0644"), mode("755")), (Some(0o644), Some(0o755)));
        for wrong in ["", "8", "64", "0888", "+644", "00644", "rwx"] {
            assert_eq!(mode(wrong), None, "{wrong}");
        }
    }
}
