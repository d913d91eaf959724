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

/// How many letters must be put in, left out, replaced, or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(l != r);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
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
