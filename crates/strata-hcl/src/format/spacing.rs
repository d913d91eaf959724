//! Whether a space stands between two tokens of a line.

use super::{
    lines::Line,
    scan::{Kind as K, Token},
};

/// Sets the spaces inside of each cell; where a cell begins is the alignment's matter.
pub(super) fn space(lines: &mut [Line<'_>]) {
    for line in lines {
        for cell in [line.lead(), line.assigned()] {
            space_cell(&mut line.tokens[cell]);
        }
    }
}

fn space_cell(tokens: &mut [Token<'_>]) {
    for at in 1..tokens.len() {
        let before = at.checked_sub(2).map(|at| tokens[at].kind);
        let spaced = is_spaced(before, &tokens[at - 1], &tokens[at]);
        tokens[at].spaces = usize::from(spaced);
    }
}

/// True if a space stands between `left` and `right`; `before` is what stands before `left`.
fn is_spaced(before: Option<K>, left: &Token<'_>, right: &Token<'_>) -> bool {
    match (left.kind, right.kind) {
        // `2 .3` is an attribute of a number, which nobody writes; Terraform makes another number of it.
        (K::Number, K::Dot) => before != Some(K::Dot),
        (_, K::Newline)
        | (K::Identifier, K::OpenParenthesis | K::DoubleColon)
        | (K::DoubleColon, K::Identifier)
        | (K::Dot, _)
        | (_, K::Dot | K::Comma | K::Ellipsis) => false,
        (K::Comma, _) => true,
        // Text is not ours to change.
        (K::QuotedText | K::HeredocText | K::OpenQuote | K::OpenHeredoc, _)
        | (_, K::QuotedText | K::HeredocText | K::CloseQuote | K::CloseHeredoc) => false,
        // `for x in [1]`: here `in` is no value to be indexed.
        (K::Identifier, _) if left.text == "in" && before == Some(K::Identifier) => true,
        (K::Identifier | K::Number, K::OpenBracket) => false,
        (_, K::OpenBracket) if left.bracket() < 0 => false,
        (K::Bang, _) => false,
        (K::Minus, _) => is_subtraction(before),
        (K::OpenBrace, K::CloseBrace) => false,
        (K::OpenBrace, _) | (_, K::CloseBrace) => true,
        (K::OpenTemplate, K::OpenBrace) | (K::CloseBrace, K::CloseTemplate) => true,
        (K::CloseTemplate, K::OpenTemplate) => false,
        _ => left.bracket() <= 0 && right.bracket() >= 0,
    }
}

/// A minus after something that cannot end a value is a sign, and stands at its number.
fn is_subtraction(before: Option<K>) -> bool {
    !matches!(
        before,
        None | Some(
            K::OpenParenthesis
                | K::OpenBrace
                | K::OpenBracket
                | K::Equal
                | K::Colon
                | K::Comma
                | K::Question
                | K::Operator
                | K::Minus
                | K::Bang
        )
    )
}
