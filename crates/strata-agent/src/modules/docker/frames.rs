//! The frames in which an engine sends what a program says that has no terminal: a byte for whose output it is, three of
//! nothing, four for the length, and the content.

/// The frame of an error.
pub(super) const ERRORS: u8 = 2;

/// Takes frames apart, each with its first byte; and gives what comes behind them, which is all where there are none.
pub(super) fn read(bytes: &[u8]) -> (Vec<(u8, &[u8])>, &[u8]) {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while let [whose @ 0..=2, 0, 0, 0, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (content, behind) = after.split_at(length.min(after.len()));
        frames.push((*whose, content));
        rest = behind;
    }
    (frames, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_outputs_come_over_one_stream() {
        let bytes = b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c\x01\0\0\0\0\0\0\x09cut";
        let expected: Vec<(u8, &[u8])> = vec![(1, b"ab"), (2, b"c"), (1, b"cut")];
        assert_eq!(read(bytes), (expected, &b""[..]));
        assert_eq!(read(b"plain"), (Vec::new(), &b"plain"[..]));
        assert_eq!(read(b"\x01\0"), (Vec::new(), &b"\x01\0"[..]));
    }
}
