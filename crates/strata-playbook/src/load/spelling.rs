//! Finds the word that somebody may have meant.

use std::mem;

/// The candidate that is most like the word, if one is like it at all.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().collect();
    let allowed = if word.len() <= 4 { 1 } else { 2 };
    candidates
        .into_iter()
        // Each letter that one has more than the other is a change.
        .filter(|candidate| candidate.chars().count().abs_diff(word.len()) <= allowed)
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, dropped or swapped with the next to make one word the other.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut row = before_last.clone();
    for (i, a) in left.iter().enumerate() {
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let mut cost = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        // What was the row becomes the last one, and the one before the last is written over next.
        mem::swap(&mut before_last, &mut last);
        mem::swap(&mut last, &mut row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_recognized() {
        let words = ["when", "become", "register"];
        assert_eq!(closest("whne", words), Some("when"));
        assert_eq!(closest("registr", words), Some("register"));
        assert_eq!(closest("copy", words), None);
        assert_eq!(closest("becomé", words), Some("become"));
        assert_eq!(closest("registering", words), None);
    }
}
