//! An ISO 9660 image with a few small files: what cloud-init reads as `NoCloud`.
//!
//! Two trees name the same files: ECMA-119's with its short names, and Joliet's, by which systems
//! find `user-data` and the like. All files lie in the root.

/// The size of a sector.
const SECTOR: usize = 2048;

/// Where the first file lies: after two volume descriptors, their end, four path tables and two roots.
const FIRST: usize = 25;

/// The images's label, by which cloud-init knows it.
const LABEL: &str = "cidata";

/// A number in both byte orders.
fn both(number: usize) -> [u8; 8] {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// A record of a folder: where a file lies, how large it is, its name.
fn record(at: usize, size: usize, is_folder: bool, name: &[u8]) -> Vec<u8> {
    let length = 33 + name.len() + (1 - name.len() % 2);
    let mut record = vec![u8::try_from(length).unwrap_or(u8::MAX), 0];
    record.extend(both(at));
    record.extend(both(size));
    // 2000-01-01: the same files give the same image.
    record.extend([100, 1, 1, 0, 0, 0, 0]);
    record.extend([u8::from(is_folder) << 1, 0, 0]);
    record.extend([1, 0, 0, 1]);
    record.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    record.extend(name);
    record.resize(length, 0);
    record
}

fn root(at: usize, files: &[(Vec<u8>, usize, usize)]) -> Vec<u8> {
    let mut folder = record(at, SECTOR, true, &[0]);
    folder.extend(record(at, SECTOR, true, &[1]));
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort();
    for (name, at, size) in sorted {
        folder.extend(record(*at, *size, false, name));
    }
    folder
}

fn path_table(root: usize, little: bool) -> Vec<u8> {
    let root = u32::try_from(root).unwrap_or_default();
    let mut table = vec![1, 0];
    table.extend(if little {
        root.to_le_bytes()
    } else {
        root.to_be_bytes()
    });
    table.extend(if little { [1, 0] } else { [0, 1] });
    table.extend([0, 0]);
    table
}

/// A text of a descriptor, filled up with spaces.
fn padded(text: &str, length: usize, joliet: bool) -> Vec<u8> {
    let mut bytes = if joliet {
        wide(text)
    } else {
        text.as_bytes().to_vec()
    };
    let space = if joliet { wide(" ") } else { vec![b' '] };
    while bytes.len() + space.len() <= length {
        bytes.extend(&space);
    }
    bytes.resize(length, 0);
    bytes
}

fn descriptor(joliet: bool, sectors: usize) -> Vec<u8> {
    let (kind, tables, root) = if joliet { (2, 21, 24) } else { (1, 19, 23) };
    let mut text = vec![kind];
    text.extend(b"CD001\x01\x00");
    text.extend(padded("", 32, joliet));
    text.extend(padded(LABEL, 32, joliet));
    text.extend([0; 8]);
    text.extend(both(sectors));
    let mut escapes = if joliet { b"%/E".to_vec() } else { Vec::new() };
    escapes.resize(32, 0);
    text.extend(escapes);
    // One volume, the first of its set; sectors of 2,048 bytes.
    text.extend([1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0]);
    text.extend(both(10));
    for (table, little) in [(tables, true), (tables + 1, false)] {
        let number = u32::try_from(table).unwrap_or_default();
        text.extend(if little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        });
        text.extend([0; 4]);
    }
    text.extend(record(root, SECTOR, true, &[0]));
    for length in [128, 128, 128, 128, 37, 37, 37] {
        text.extend(padded("", length, joliet));
    }
    for _ in 0..4 {
        text.extend(b"0000000000000000\x00");
    }
    text.push(1);
    text.resize(SECTOR, 0);
    text
}

/// An image with these files.
pub(super) fn of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut short, mut long, mut at) = (Vec::new(), Vec::new(), FIRST);
    for (number, (name, content)) in files.iter().enumerate() {
        short.push((format!("FILE{number}.;1").into_bytes(), at, content.len()));
        long.push((wide(name), at, content.len()));
        at += content.len().div_ceil(SECTOR).max(1);
    }
    let mut image = vec![0; 16 * SECTOR];
    let mut add = |mut bytes: Vec<u8>| {
        let sectors = bytes.len().div_ceil(SECTOR).max(1);
        bytes.resize(sectors * SECTOR, 0);
        image.extend(bytes);
    };
    add(descriptor(false, at));
    add(descriptor(true, at));
    add(b"\xffCD001\x01".to_vec());
    for root in [23, 24] {
        add(path_table(root, true));
        add(path_table(root, false));
    }
    add(root(23, &short));
    add(root(24, &long));
    for (_, content) in files {
        add(content.to_vec());
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_the_folder_says() {
        let large = vec![b'x'; 3000];
        let image = of(&[
            ("user-data", b"#cloud-config\n"),
            ("meta-data", &large),
            ("empty", b""),
        ]);
        assert_eq!(image.len(), 29 * SECTOR);
        assert_eq!(&image[16 * SECTOR + 1..16 * SECTOR + 6], b"CD001");
        assert_eq!(&image[16 * SECTOR + 40..16 * SECTOR + 46], b"cidata");
        let folder = &image[24 * SECTOR..25 * SECTOR];
        let name = wide("user-data");
        let found = folder
            .windows(name.len())
            .position(|part| part == name)
            .unwrap();
        let start = found - 33;
        let at = u32::from_le_bytes(folder[start + 2..start + 6].try_into().unwrap()) as usize;
        assert_eq!(&image[at * SECTOR..at * SECTOR + 13], b"#cloud-config");
    }
}
