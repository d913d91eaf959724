//! No file holds the marks that git leaves where two changes meet.

use super::tree::{Problem, Tree};

/// How the lines begin that stand around the two texts.
const MARKS: [&str; 2] = ["<<<<<<< ", ">>>>>>> "];

/// Looks at the beginning of each line.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in &tree.files {
        for (at, line) in (1..).zip(text.lines()) {
            if MARKS.iter().any(|mark| line.starts_with(mark)) {
                problems.push(Problem::line(path, at, "two changes meet here"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_marks_are_found() {
        let text = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n";
        let problems = check(&Tree::of(&[("a.md", text), ("b.md", "a <<<<<<< b\n")]));
        let expected = [2, 6].map(|line| Problem::line("a.md", line, "two changes meet here"));
        assert_eq!(problems, expected);
    }
}
