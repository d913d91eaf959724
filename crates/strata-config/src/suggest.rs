//! What the user may have meant.

/// The candidate nearest to a mistyped name, if one is near enough.
pub(crate) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = |candidate: &&str| distance(given, candidate) <= limit(given);
    let candidates = candidates.into_iter().filter(near);
    candidates.min_by_key(|candidate| distance(given, candidate))
}

/// The hint for the candidate nearest to a mistyped name.
pub(crate) fn hint<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(given, candidates).map(|name| format!("Did you mean `{name}`?"))
}

/// How many letters may differ: fewer in short names.
fn limit(given: &str) -> usize {
    (given.chars().count() / 3).clamp(1, 3)
}

/// Levenshtein's distance, in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("imgae", ["image", "images"]), Some("image"));
        assert_eq!(nearest("name", ["description", "type"]), None);
        assert_eq!(nearest("a", ["b"]), Some("b"));
    }
}
