//! Numbers with units, as Incus has them in keys.

/// A number with a unit as Incus has them: powers of 1000, or with `i` of 1024.
pub(crate) fn bytes(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: i64 = text[..end].parse().ok()?;
    let unit: i64 = match text[end..].trim() {
        "" | "B" => 1,
        "kB" => 1000,
        "MB" => 1000_i64.pow(2),
        "GB" => 1000_i64.pow(3),
        "TB" => 1000_i64.pow(4),
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_both_kinds() {
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        assert_eq!(bytes("2GB"), Some(2_000_000_000));
        assert_eq!(bytes("4"), Some(4));
        for other in ["0-3", "50%", "", "9999999999TiB"] {
            assert_eq!(bytes(other), None, "{other}");
        }
    }
}
