//! Lines of tokens: indented by their brackets, with assignments and comments aligned in columns.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::scan::{Kind, Token};

/// One line in up to three cells: `name`, `= value`, `# comment`.
pub(super) struct Line<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// Where the equals sign stands, if the line is an assignment that does not open a bracket.
    pub(super) assign: Option<usize>,
    /// Where the comment stands that follows something.
    pub(super) comment: Option<usize>,
}

impl Line<'_> {
    /// The cell before the equals sign.
    pub(super) fn lead(&self) -> Range<usize> {
        0..self.assign.unwrap_or(self.before_comment())
    }

    /// The cell from the equals sign on; empty if there is none.
    pub(super) fn assigned(&self) -> Range<usize> {
        let end = self.before_comment();
        self.assign.unwrap_or(end)..end
    }

    fn before_comment(&self) -> usize {
        self.comment.unwrap_or(self.tokens.len())
    }

    /// How many brackets it opens more than it closes, heredocs left out.
    fn brackets(&self) -> isize {
        count_up_to_heredoc(&self.tokens[self.lead()])
            + count_up_to_heredoc(&self.tokens[self.assigned()])
    }

    fn columns(&self, cell: Range<usize>) -> usize {
        self.tokens[cell]
            .iter()
            .map(|token| token.spaces + width(&token.text))
            .sum()
    }
}

fn count_up_to_heredoc(tokens: &[Token<'_>]) -> isize {
    let end = tokens
        .iter()
        .position(|token| token.kind == Kind::OpenHeredoc);
    let end = end.unwrap_or(tokens.len());
    tokens[..end].iter().map(Token::bracket).sum()
}

fn width(text: &str) -> usize {
    if text.is_ascii() {
        // A carriage return and its line feed are one character.
        return text.len() - text.matches("\r\n").count();
    }
    text.graphemes(true).count()
}

/// Cuts a row of tokens into lines.
pub(super) fn cut(tokens: Vec<Token<'_>>) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    for token in tokens {
        let ends = token.ends_line();
        line.push(token);
        if ends {
            lines.push(cells(std::mem::take(&mut line)));
        }
    }
    if !line.is_empty() {
        lines.push(cells(line));
    }
    lines
}

fn cells(tokens: Vec<Token<'_>>) -> Line<'_> {
    let last = tokens.len() - 1;
    let comment = (last > 0 && tokens[last].kind == Kind::Comment).then_some(last);
    let end = comment.unwrap_or(tokens.len());
    let equal = (1..end).find(|at| tokens[*at].kind == Kind::Equal);
    // A value that opens a bracket goes on in the next line: it has no column.
    let whole = |at: &usize| tokens[*at..end].iter().map(Token::bracket).sum::<isize>() == 0;
    Line {
        assign: equal.filter(whole),
        comment,
        tokens,
    }
}

/// Indents each line by the lines above that have brackets open.
pub(super) fn indent(lines: &mut [Line<'_>]) {
    // How many brackets each of those lines opened.
    let mut open: Vec<isize> = Vec::new();
    for line in lines {
        if line.tokens[0].kind == Kind::Newline {
            continue;
        }
        let net = line.brackets();
        if net < 0 {
            close(&mut open, -net);
        }
        line.tokens[0].spaces = 2 * open.len();
        if net > 0 {
            open.push(net);
        }
    }
}

fn close(open: &mut Vec<isize>, mut closed: isize) {
    while closed > 0
        && let Some(last) = open.last_mut()
    {
        let taken = closed.min(*last);
        closed -= taken;
        *last -= taken;
        if *last == 0 {
            open.pop();
        }
    }
}

/// Aligns equals signs and comments of lines that follow each other.
pub(super) fn align(lines: &mut [Line<'_>]) {
    column(lines, |line| {
        Some((line.assign?, line.columns(line.lead())))
    });
    column(lines, |line| {
        let columns = line.columns(line.lead()) + line.columns(line.assigned());
        Some((line.comment?, columns))
    });
}

/// Aligns one cell; `cell` tells the token it begins with and how many columns stand before it.
fn column(lines: &mut [Line<'_>], cell: impl Fn(&Line<'_>) -> Option<(usize, usize)>) {
    let mut start = 0;
    while start < lines.len() {
        let chain: Vec<_> = lines[start..].iter().map_while(&cell).collect();
        let widest = chain.iter().map(|(_, columns)| *columns).max();
        for (line, (token, columns)) in lines[start..].iter_mut().zip(&chain) {
            line.tokens[*token].spaces = widest.unwrap_or(0) - columns + 1;
        }
        start += chain.len().max(1);
    }
}

/// Joins the lines to text.
pub(super) fn write(lines: &[Line<'_>], length: usize) -> String {
    let mut out = String::with_capacity(length + length / 8);
    for token in lines.iter().flat_map(|line| &line.tokens) {
        out.extend(std::iter::repeat_n(' ', token.spaces));
        out.push_str(&token.text);
    }
    out
}
