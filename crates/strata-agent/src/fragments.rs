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

/// The fragments one after the other, each on lines of its own, with the delimiter between.
pub fn join(parts: &[impl AsRef<[u8]>], delimiter: Option<&str>) -> Vec<u8> {
    let delimiter = delimiter.map(|text| text.replace("\\n", "\n").replace("\\t", "\t"));
    let mut whole: Vec<u8> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let unended = whole.last().is_some_and(|last| *last != b'\n');
        if at > 0 && unended {
            whole.push(b'\n');
        }
        if let (Some(delimiter), true) = (&delimiter, at > 0) {
            whole.extend_from_slice(delimiter.as_bytes());
            if !delimiter.ends_with('\n') {
                whole.push(b'\n');
            }
        }
        whole.extend_from_slice(part.as_ref());
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_stand_on_lines_of_their_own() {
        let parts = [b"a".to_vec(), b"b\n".to_vec(), b"c".to_vec()];
        assert_eq!(join(&parts, None), b"a\nb\nc");
        assert_eq!(join(&parts, Some("# --")), b"a\n# --\nb\n# --\nc");
        let names = ["10-a", ".h", "20-b"].map(str::to_owned);
        assert_eq!(
            choose(&names, Some("^\\d"), false).unwrap(),
            ["10-a", "20-b"]
        );
        assert_eq!(choose(&names, None, true).unwrap(), ["10-a", "20-b"]);
    }
}
