//! File modes as users write them: octal text, a number, or symbolic clauses.

use serde_json::Value;

use crate::module::ModuleError;

/// The mode that a file shall have, perhaps as a change of the one it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// All twelve bits.
    Absolute(u32),
    /// Clauses such as `u=rw,g+r`, already checked.
    Symbolic(Vec<Clause>),
    /// `preserve`: the mode of the source.
    Preserve,
}

/// One clause of a symbolic mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    who: Vec<char>,
    operations: Vec<(char, String)>,
}

impl Mode {
    /// Reads the `mode` argument.
    pub fn read(value: &Value) -> Result<Mode, ModuleError> {
        match value {
            Value::Number(number) => match number.as_u64() {
                Some(bits) if bits <= 0o7777 => Ok(Mode::Absolute(bits as u32)),
                _ => Err(invalid(&number.to_string())),
            },
            Value::String(text) => Mode::parse(text.trim()),
            other => Err(invalid(&other.to_string())),
        }
    }

    fn parse(text: &str) -> Result<Mode, ModuleError> {
        if text == "preserve" {
            return Ok(Mode::Preserve);
        }
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
            let bits = u32::from_str_radix(digits, 8)
                .ok()
                .filter(|bits| *bits <= 0o7777);
            return bits.map(Mode::Absolute).ok_or_else(|| invalid(text));
        }
        let clauses: Option<Vec<Clause>> = text.split(',').map(clause).collect();
        clauses.map(Mode::Symbolic).ok_or_else(|| {
            ModuleError::new(format!(
                "mode must be in octal or symbolic form, got: {text}"
            ))
        })
    }

    /// The bits for a file that has `current` ones; `None` for `preserve`.
    pub fn apply(&self, current: u32, is_directory: bool) -> Option<u32> {
        match self {
            Mode::Absolute(bits) => Some(*bits),
            Mode::Preserve => None,
            Mode::Symbolic(clauses) => Some(
                clauses
                    .iter()
                    .fold(current, |bits, clause| clause.apply(bits, is_directory)),
            ),
        }
    }
}

/// Writes a mode as Ansible's modules return it: a zero, and at least three digits.
pub fn show(bits: u32) -> String {
    format!("0{bits:03o}")
}

/// Writes a mode as `stat` returns it: at least four digits.
pub fn four_digits(bits: u32) -> String {
    format!("{bits:04o}")
}

fn invalid(shown: &str) -> ModuleError {
    ModuleError::new(format!(
        "mode must be an octal number up to 7777, got: {shown}"
    ))
}

fn clause(text: &str) -> Option<Clause> {
    let at = text.find(['+', '-', '='])?;
    let who: Vec<char> = text[..at].chars().collect();
    if !who.iter().all(|c| "ugoa".contains(*c)) {
        return None;
    }
    let mut operations: Vec<(char, String)> = Vec::new();
    for c in text[at..].chars() {
        match c {
            '+' | '-' | '=' => operations.push((c, String::new())),
            'r' | 'w' | 'x' | 'X' | 's' | 't' | 'u' | 'g' | 'o' => {
                operations.last_mut()?.1.push(c);
            }
            _ => return None,
        }
    }
    Some(Clause { who, operations })
}

impl Clause {
    fn apply(&self, current: u32, is_directory: bool) -> u32 {
        let everybody = self.who.is_empty() || self.who.contains(&'a');
        let whom: Vec<char> = if everybody {
            vec!['u', 'g', 'o']
        } else {
            self.who.clone()
        };
        let mut bits = current;
        for (operator, letters) in &self.operations {
            for &who in &whom {
                let wanted = letters.chars().fold(0, |sum, letter| {
                    sum | permission(letter, who, bits, current, is_directory)
                });
                bits = match operator {
                    '+' => bits | wanted,
                    '-' => bits & !wanted,
                    _ => (bits & !field(who)) | wanted,
                };
            }
        }
        bits
    }
}

/// All bits that belong to somebody.
fn field(who: char) -> u32 {
    match who {
        'u' => 0o4700,
        'g' => 0o2070,
        _ => 0o1007,
    }
}

fn shift(who: char) -> u32 {
    match who {
        'u' => 6,
        'g' => 3,
        _ => 0,
    }
}

fn permission(letter: char, who: char, bits: u32, original: u32, is_directory: bool) -> u32 {
    match letter {
        'r' => 0o4 << shift(who),
        'w' => 0o2 << shift(who),
        'x' => 0o1 << shift(who),
        'X' if is_directory || original & 0o111 != 0 => 0o1 << shift(who),
        's' if who == 'u' => 0o4000,
        's' if who == 'g' => 0o2000,
        't' => 0o1000,
        'u' | 'g' | 'o' => (bits >> shift(letter) & 0o7) << shift(who),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(mode: Value, current: u32, expected: &str) {
        let shown = match Mode::read(&mode) {
            Ok(mode) => show(mode.apply(current, false).unwrap_or(current)),
            Err(error) => error.msg,
        };
        assert_eq!(shown, expected, "{mode} on {current:o}");
    }

    #[test]
    fn octal_text_and_numbers_are_absolute() {
        check(json!("0644"), 0, "0644");
        check(json!("644"), 0, "0644");
        check(json!("1777"), 0, "1777");
        check(json!(0o644), 0, "0644");
        check(
            json!("99"),
            0,
            "mode must be an octal number up to 7777, got: 99",
        );
        check(
            json!(99_999),
            0,
            "mode must be an octal number up to 7777, got: 99999",
        );
    }

    /// What GNU chmod and ansible.builtin.file make of the same.
    #[test]
    fn symbolic_clauses_change_what_is_there() {
        check(json!("u=rw,g=r,o="), 0o777, "0640");
        check(json!("u+x"), 0o644, "0744");
        check(json!("a+X"), 0o644, "0644");
        check(json!("a+X"), 0o744, "0755");
        check(json!("go-rwx"), 0o755, "0700");
        check(json!("g=u"), 0o750, "0770");
        check(json!("+t"), 0o755, "1755");
        check(json!("u+s,g-s"), 0o2755, "4755");
        check(
            json!("u~x"),
            0o644,
            "mode must be in octal or symbolic form, got: u~x",
        );
    }
}
