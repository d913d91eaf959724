//! Sizes of disks as the API writes them.

use serde_json::Value as Json;

use super::super::guest::{parts, positive};

/// KiB in a GiB.
pub(super) const GIBIBYTE: i64 = 1 << 20;

/// The size of a disk's setting in GiB, rounded up.
pub(crate) fn gigabytes(setting: &str) -> Option<i64> {
    kibibytes(setting).map(in_gigabytes)
}

/// The size of a disk's setting in KiB, rounded up.
pub(crate) fn kibibytes(setting: &str) -> Option<i64> {
    let size = parts(setting).remove("size")?;
    let (number, factor) = match size.char_indices().last()? {
        (at, 'T') => (&size[..at], 1_073_741_824.0),
        (at, 'G') => (&size[..at], 1_048_576.0),
        (at, 'M') => (&size[..at], 1024.0),
        (at, 'K') => (&size[..at], 1.0),
        _ => (size.as_str(), 1.0 / 1024.0),
    };
    let number: f64 = number.parse().ok()?;
    Some((number * factor).ceil() as i64)
}

/// KiB as GiB, rounded up.
pub(crate) fn in_gigabytes(kibibytes: i64) -> i64 {
    let whole = kibibytes / GIBIBYTE;
    whole + i64::from(whole * GIBIBYTE < kibibytes)
}

/// How large a disk is to be, in KiB: `size` is in GiB, and only telmate's types say what is finer.
pub(crate) fn wanted_size(disk: &Json) -> Option<i64> {
    let gigabytes = || positive(disk, "size")?.checked_mul(GIBIBYTE);
    positive(disk, "(kibibytes)").or_else(gigabytes)
}

/// KiB in the largest unit that leaves no rest: `32G`, `512M`, `528K`.
pub(crate) fn print_size(kibibytes: i64) -> String {
    match kibibytes {
        size if size % GIBIBYTE == 0 => format!("{}G", size / GIBIBYTE),
        size if size % 1024 == 0 => format!("{}M", size / 1024),
        size => format!("{size}K"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_any_unit_and_written_in_the_largest() {
        assert_eq!(gigabytes("local:x,size=2560M"), Some(3));
        assert_eq!(kibibytes("local:x,size=528K"), Some(528));
        assert_eq!(print_size(524_288), "512M");
        assert_eq!(print_size(528), "528K");
    }
}
