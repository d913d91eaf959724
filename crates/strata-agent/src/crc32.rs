//! The checksum of zip and gzip.

use std::io::{self, Read};

/// The CRC-32 of a stream (polynomial of ISO 3309, as RFC 1952 gives it).
pub fn of_stream(input: &mut dyn Read) -> io::Result<u32> {
    let table: Vec<u32> = (0..256).map(entry).collect();
    let mut crc = u32::MAX;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(!crc),
            count => {
                for byte in &buffer[..count] {
                    let at = (crc ^ u32::from(*byte)) & 0xff;
                    crc = crc >> 8 ^ table[at as usize];
                }
            }
        }
    }
}

fn entry(byte: u32) -> u32 {
    (0..8).fold(byte, |crc, _| match crc & 1 {
        1 => crc >> 1 ^ 0xedb8_8320,
        _ => crc >> 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_that_of_the_standard() {
        assert_eq!(of_stream(&mut &b"123456789"[..]).unwrap(), 0xcbf4_3926);
    }
}
