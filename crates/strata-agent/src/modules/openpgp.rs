//! Keys of OpenPGP, as far as an identity goes: which keys are in a file, and their fingerprints.
//!
//! RFC 4880: sections 4.2 (packets), 6.2 (armor) and 12.2 (fingerprints of version 4). Nothing is
//! verified here; that is apt's work.

use sha1::Digest;

/// A key with the packets that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// In upper-case hexadecimal.
    pub(super) fingerprint: String,
    /// Fingerprints of its subkeys.
    pub(super) subkeys: Vec<String>,
    /// All its packets.
    pub(super) packets: Vec<u8>,
}

impl Key {
    /// Whether a key ID of 8 or 16 digits, or a fingerprint, means this key.
    pub(super) fn is(&self, id: &str) -> bool {
        let all = std::iter::once(&self.fingerprint).chain(&self.subkeys);
        all.into_iter().any(|fingerprint| fingerprint.ends_with(id))
    }
}

const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// The keys in a file, armored or not; none where it is something else.
pub(super) fn keys(content: &[u8]) -> Vec<Key> {
    let bytes = dearmor(content).unwrap_or_else(|| content.to_vec());
    let mut keys: Vec<Key> = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(packet) = Packet::read(rest) {
        let whole = &rest[..packet.length];
        rest = &rest[packet.length..];
        match (packet.tag, keys.last_mut()) {
            (PUBLIC_KEY, _) => keys.push(Key {
                fingerprint: fingerprint(packet.body),
                subkeys: Vec::new(),
                packets: whole.to_vec(),
            }),
            (tag, Some(key)) => {
                if tag == PUBLIC_SUBKEY {
                    key.subkeys.push(fingerprint(packet.body));
                }
                key.packets.extend_from_slice(whole);
            }
            (_, None) => return Vec::new(),
        }
    }
    keys
}

struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    /// Of the whole packet.
    length: usize,
}

impl Packet<'_> {
    fn read(bytes: &[u8]) -> Option<Packet<'_>> {
        let head = *bytes.first()?;
        if head & 0x80 == 0 {
            return None;
        }
        let number = |from: usize, count: usize| {
            let digits = bytes.get(from..from + count)?;
            Some(
                digits
                    .iter()
                    .fold(0_usize, |number, digit| number << 8 | usize::from(*digit)),
            )
        };
        let (tag, start, size): (u8, usize, usize) = if head & 0x40 != 0 {
            let first = usize::from(*bytes.get(1)?);
            let (start, size) = match first {
                0..192 => (2, first),
                192..224 => (3, (first - 192) * 256 + number(2, 1)? + 192),
                255 => (6, number(2, 4)?),
                // Keys do not come in parts.
                _ => return None,
            };
            (head & 0x3f, start, size)
        } else {
            let (start, size) = match head & 3 {
                0 => (2, number(1, 1)?),
                1 => (3, number(1, 2)?),
                2 => (5, number(1, 4)?),
                _ => (1, bytes.len() - 1),
            };
            (head >> 2 & 15, start, size)
        };
        let body = bytes.get(start..start.checked_add(size)?)?;
        Some(Packet {
            tag,
            body,
            length: start + size,
        })
    }
}

fn fingerprint(body: &[u8]) -> String {
    let mut digest = sha1::Sha1::new();
    digest.update([
        0x99,
        (body.len() >> 8 & 0xff) as u8,
        (body.len() & 0xff) as u8,
    ]);
    digest.update(body);
    crate::digest::hex(&digest.finalize()).to_uppercase()
}

/// The bytes of all armored blocks of a text.
fn dearmor(content: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        let (block, after) = block.split_once("-----END PGP PUBLIC KEY BLOCK-----")?;
        rest = after;
        // Headers end at an empty line; the checksum at the end begins with `=`.
        let mut lines: Vec<&str> = block.lines().skip(1).map(str::trim).collect();
        if let Some(gap) = lines.iter().position(|line| line.is_empty()) {
            lines.drain(..=gap);
        }
        let body: String = lines
            .into_iter()
            .filter(|line| !line.starts_with('='))
            .collect();
        bytes.extend(crate::base64::decode(&body)?);
    }
    (!bytes.is_empty()).then_some(bytes)
}
