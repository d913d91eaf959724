//! PEM.

use base64::{Engine, engine::general_purpose::STANDARD};
use x509_parser::pem::Pem;

/// Writes a block, as Go writes it: 64 characters a line, and a line break at the end.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let base64 = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Reads all blocks: their labels and contents. What is not PEM is passed over.
pub(super) fn decode(text: &str) -> Vec<(String, Vec<u8>)> {
    let blocks = Pem::iter_from_buffer(text.as_bytes()).map_while(Result::ok);
    blocks.map(|block| (block.label, block.contents)).collect()
}
