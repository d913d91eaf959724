//! How a vaulted text is written: a header line, then hexadecimal digits in lines of 80.

use super::{DEFAULT_ID, VaultError, cipher};

/// How every vaulted text begins.
const MARK: &str = "$ANSIBLE_VAULT;";

/// Digits on a line.
const WIDTH: usize = 80;

/// True for a text that is encrypted, by its header alone.
pub fn is_encrypted(text: &[u8]) -> bool {
    text.starts_with(MARK.as_bytes())
}

/// A vaulted text, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The id of the password it was encrypted with; none: any may fit (format 1.1).
    pub id: Option<String>,
    salt: Vec<u8>,
    sum: Vec<u8>,
    bytes: Vec<u8>,
}

impl Envelope {
    /// Reads a vaulted text. Blanks around its lines do not matter.
    pub fn parse(text: &[u8]) -> Result<Self, VaultError> {
        let text = text.trim_ascii_start();
        if !is_encrypted(text) {
            return Err(VaultError::NotEncrypted);
        }
        let text = str::from_utf8(text).map_err(|_| VaultError::Damaged("it is not text"))?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default().trim();
        let id = id_of(header)?;
        let digits: String = lines.map(str::trim).collect();
        let inner = unhex(digits.as_bytes())?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let mut part = || {
            unhex(
                parts
                    .next()
                    .ok_or(VaultError::Damaged("a part is missing"))?,
            )
        };
        Ok(Self {
            id,
            salt: part()?,
            sum: part()?,
            bytes: part()?,
        })
    }

    /// Encrypts a text with a password of this id.
    pub fn seal(text: &[u8], id: &str, password: &[u8], salt: &[u8]) -> Self {
        let (sum, bytes) = cipher::encrypt(text, password, salt);
        Self {
            id: (id != DEFAULT_ID).then(|| id.to_owned()),
            salt: salt.to_vec(),
            sum,
            bytes,
        }
    }

    /// Decrypts it.
    pub fn open(&self, password: &[u8]) -> Result<Vec<u8>, VaultError> {
        cipher::decrypt(&self.bytes, &self.sum, password, &self.salt)
    }

    /// Writes it, with a line break at the end.
    pub fn write(&self) -> String {
        let mut text = match &self.id {
            Some(id) => format!("{MARK}1.2;AES256;{id}\n"),
            None => format!("{MARK}1.1;AES256\n"),
        };
        let inner = [&self.salt, &self.sum, &self.bytes].map(|part| hex(part));
        let digits = hex(inner.join("\n").as_bytes());
        for line in digits.as_bytes().chunks(WIDTH) {
            text.push_str(str::from_utf8(line).expect("digits are ASCII"));
            text.push('\n');
        }
        text
    }
}

/// The id in a header, which must be of a version and a cipher that we have.
fn id_of(header: &str) -> Result<Option<String>, VaultError> {
    let parts: Vec<&str> = header.split(';').map(str::trim).collect();
    match parts.as_slice() {
        [_, "1.1", "AES256", ..] => Ok(None),
        [_, "1.2", "AES256", id, ..] if !id.is_empty() => Ok(Some((*id).to_owned())),
        [_, "1.2", "AES256"] => Ok(None),
        _ => Err(VaultError::Format(
            header.trim_start_matches('$').to_owned(),
        )),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>, VaultError> {
    let digits = digits.trim_ascii();
    let wrong = VaultError::Damaged("it has other characters than hexadecimal digits");
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().ok_or(wrong)
}
