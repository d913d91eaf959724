//! Putting files together out of fragments, as `assemble` does on either side.

use crate::module::ModuleError;
use crate::pattern;

/// The fragments that count, in order; `names` are sorted.
pub fn choose<'a>(
    names: &'a [String],
    regexp: Option<&str>,
    ignore_hidden: bool,
) -> Result<Vec<&'a str>, ModuleError> {
    let regexp = regexp
        .map(|text| pattern::python("regexp", text))
        .transpose()?;
    let chosen = names.iter().map(String::as_str).filter(|name| {
        regexp.as_ref().is_none_or(|regexp| regexp.is_match(name))
            && !(ignore_hidden && name.starts_with('.'))
    });
    Ok(chosen.collect())
}

/// On which side fragments are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On the host.
    Host,
    /// On the machine that runs the playbook, where a delimiter gets an end of line even if it has one. So ansible-core 2.19.
    Ours,
}

/// The fragments one after the other, each on lines of its own, with the delimiter between.
pub fn join(parts: &[impl AsRef<[u8]>], delimiter: Option<&str>, side: Side) -> Vec<u8> {
    let delimiter = delimiter
        .filter(|text| !text.is_empty())
        .map(|text| text.replace("\\n", "\n").replace("\\t", "\t"));
    let mut whole: Vec<u8> = Vec::new();
    let mut is_ended = true;
    for (at, part) in parts.iter().enumerate() {
        if !is_ended {
            whole.push(b'\n');
        }
        if let (Some(delimiter), true) = (&delimiter, at > 0) {
            whole.extend_from_slice(delimiter.as_bytes());
            if side == Side::Ours || !delimiter.ends_with('\n') {
                whole.push(b'\n');
            }
        }
        whole.extend_from_slice(part.as_ref());
        // An empty fragment takes a line, too.
        is_ended = part.as_ref().ends_with(b"\n");
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_stand_on_lines_of_their_own() {
        let parts = [b"a".to_vec(), b"b\n".to_vec(), b"c".to_vec()];
        assert_eq!(join(&parts, None, Side::Host), b"a\nb\nc");
        assert_eq!(join(&parts, Some(""), Side::Host), b"a\nb\nc");
        for side in [Side::Host, Side::Ours] {
            assert_eq!(join(&parts, Some("# --"), side), b"a\n# --\nb\n# --\nc");
        }
        assert_eq!(
            join(&parts[..2], Some("# --\\n"), Side::Host),
            b"a\n# --\nb\n"
        );
        assert_eq!(
            join(&parts[..2], Some("# --\\n"), Side::Ours),
            b"a\n# --\n\nb\n"
        );
        let with_empty = [b"".to_vec(), b"b\n".to_vec()];
        assert_eq!(join(&with_empty, None, Side::Host), b"\nb\n");
        let names = ["10-a", ".h", "20-b"].map(str::to_owned);
        assert_eq!(
            choose(&names, Some("^\\d"), false).unwrap(),
            ["10-a", "20-b"]
        );
        assert_eq!(choose(&names, None, true).unwrap(), ["10-a", "20-b"]);
    }
}
