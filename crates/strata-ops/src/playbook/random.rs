//! Chance, from the system.

/// Fills bytes with chance.
pub(crate) fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

/// A text of so many characters out of `characters`, each as likely as the others.
pub(crate) fn text(length: usize, characters: &[char]) -> std::io::Result<String> {
    let mut text = String::new();
    // Bytes beyond the last whole multiple would make the first characters likelier.
    let most = 256 - 256 % characters.len().clamp(1, 256);
    while text.chars().count() < length && !characters.is_empty() {
        let mut byte = [0];
        fill(&mut byte)?;
        if usize::from(byte[0]) < most {
            text.push(characters[usize::from(byte[0]) % characters.len()]);
        }
    }
    Ok(text)
}
