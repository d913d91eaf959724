//! The lines of an INI file under a rule: which belong to the section, which is the option, what
//! they become.

use super::Rule;

/// A text after a rule was applied.
#[derive(Debug, PartialEq)]
pub(super) struct Edit {
    pub(super) text: Option<String>,
    pub(super) msg: &'static str,
}

/// An option's line taken apart.
struct Line<'a> {
    inactive: bool,
    value: &'a str,
}

/// How a line with an option is written.
pub(super) fn assignment(option: &str, value: &str, tight: bool) -> String {
    let equals = if tight { "=" } else { " = " };
    format!("{option}{equals}{value}\n")
}

/// Reads a line as the option's; `None` when it is about something else.
fn parse<'a>(option: &str, line: &'a str) -> Option<Line<'a>> {
    let blank = |c: char| c == ' ' || c == '\t';
    let line = line.trim_end_matches('\n');
    let start = line.trim_start_matches(blank);
    let (inactive, rest) = match start.strip_prefix(['#', ';']) {
        Some(rest) => (true, rest.trim_start_matches(blank)),
        None => (false, start),
    };
    let rest = rest.strip_prefix(option)?.trim_start_matches(blank);
    let value = match rest.strip_prefix('=') {
        Some(value) => value.trim_start_matches(blank),
        None if rest.is_empty() => "",
        None => return None,
    };
    Some(Line { inactive, value })
}

/// The name of the section that a line begins.
fn header(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.split_once(']')?;
    Some(name.trim())
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', ';'])
}

/// The lines of one section while they are edited.
struct Section<'a> {
    rule: &'a Rule,
    lines: Vec<String>,
    done: Vec<bool>,
    changed: bool,
    msg: &'static str,
}

impl Rule {
    /// What a file's text becomes.
    pub(super) fn apply(&self, before: &str) -> Edit {
        let bare = before.strip_prefix('\u{feff}').unwrap_or(before);
        let mut lines: Vec<String> = bare.split_inclusive('\n').map(str::to_owned).collect();
        if lines.is_empty() {
            lines.push("\n".to_owned());
        }
        let mut changed = false;
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push('\n');
            changed = true;
        }
        let Some((start, end)) = self.find(&lines) else {
            return self.without_section(lines, changed);
        };
        let tail = lines.split_off(end);
        let inside = lines.split_off(start);
        let mut section = Section {
            rule: self,
            done: vec![false; inside.len()],
            lines: inside,
            changed,
            msg: "OK",
        };
        section.edit();
        let text = lines.concat() + &section.lines.concat() + &tail.concat();
        Edit {
            text: section.changed.then_some(text),
            msg: section.msg,
        }
    }

    /// The section's first line and the first line behind it; without a name, what stands before
    /// all sections.
    fn find(&self, lines: &[String]) -> Option<(usize, usize)> {
        let mut start = match self.section {
            None => Some(0),
            Some(_) => None,
        };
        let wanted = self.section.as_deref().map(str::trim);
        for (at, line) in lines.iter().enumerate() {
            let heads = line.starts_with('[');
            if let (Some(from), true) = (start, heads) {
                if self.holds(&lines[from..at]) {
                    return Some((from, at));
                }
                start = None;
            }
            if heads && wanted.is_some() && header(line) == wanted {
                start = Some(at);
            }
        }
        let from = start?;
        self.holds(&lines[from..]).then_some((from, lines.len()))
    }

    fn holds(&self, lines: &[String]) -> bool {
        self.conditions.iter().all(|(option, values)| {
            lines.iter().any(|line| {
                parse(option, line).is_some_and(|found| {
                    values.is_empty() || values.iter().any(|value| value == found.value)
                })
            })
        })
    }

    fn without_section(&self, mut lines: Vec<String>, changed: bool) -> Edit {
        let Some(section) = self.section.as_ref().filter(|_| self.present) else {
            return Edit {
                text: changed.then(|| lines.concat()),
                msg: "OK",
            };
        };
        lines.push(format!("[{section}]\n"));
        let mut values = self.values.clone();
        for (option, wanted) in &self.conditions {
            if Some(option) != self.option.as_ref() {
                lines.extend(wanted.iter().map(|value| self.assignment(option, value)));
                if wanted.is_empty() && self.allow_no_value {
                    lines.push(format!("{option}\n"));
                }
            } else if !self.exclusive {
                let new = wanted.iter().filter(|value| !self.values.contains(value));
                values.extend(new.cloned());
            }
        }
        let mut msg = "section and option added";
        match &self.option {
            Some(option) if !values.is_empty() => {
                lines.extend(values.iter().map(|value| self.assignment(option, value)));
            }
            Some(option) if self.allow_no_value => lines.push(format!("{option}\n")),
            _ => msg = "only section added",
        }
        Edit {
            text: Some(lines.concat()),
            msg,
        }
    }
}

impl Section<'_> {
    fn edit(&mut self) {
        let rule = self.rule;
        match (&rule.option, rule.present) {
            (Some(option), true) => self.set(option),
            (None, true) => {}
            (Some(option), false) => self.unset(option),
            (None, false) if !self.lines.is_empty() => {
                self.lines.clear();
                self.changed = true;
                self.msg = "section removed";
            }
            (None, false) => {}
        }
    }

    fn matches(&self, option: &str, at: usize) -> bool {
        let found = parse(option, &self.lines[at]);
        found.is_some_and(|found| self.rule.modify_inactive || !found.inactive)
    }

    fn set(&mut self, option: &str) {
        let rule = self.rule;
        let mut left = rule.values.clone();
        let mut stands_alone = false;
        for at in 0..self.lines.len() {
            if !self.matches(option, at) {
                continue;
            }
            let value = parse(option, &self.lines[at]).map(|found| found.value.to_owned());
            let known = left.iter().position(|left| Some(left) == value.as_ref());
            if let Some(known) = known {
                let value = left.remove(known);
                if value.is_empty() && rule.allow_no_value {
                    stands_alone = true;
                    self.put(option, at, format!("{option}\n"));
                } else {
                    self.put(option, at, rule.assignment(option, &value));
                }
            } else if rule.values.is_empty() && rule.allow_no_value {
                stands_alone = true;
                self.put(option, at, format!("{option}\n"));
                break;
            }
        }
        if rule.exclusive && !rule.allow_no_value {
            self.replace_others(option, &mut left);
        }
        self.add(option, &left, stands_alone);
    }

    /// Other values of the option give way to ours, or go.
    fn replace_others(&mut self, option: &str, left: &mut Vec<String>) {
        for at in 0..self.lines.len() {
            if left.is_empty() {
                break;
            }
            if !self.done[at] && self.matches(option, at) {
                let value = left.remove(0);
                self.put(option, at, self.rule.assignment(option, &value));
            }
        }
        for at in (0..self.lines.len()).rev() {
            if !self.done[at] && self.matches(option, at) {
                self.lines.remove(at);
                self.done.remove(at);
                self.changed = true;
                self.msg = "option changed";
            }
        }
    }

    fn put(&mut self, option: &str, at: usize, line: String) {
        let value = |line: &str| parse(option, line).map(|found| found.value.to_owned());
        let was_inactive = parse(option, &self.lines[at]).is_some_and(|found| found.inactive);
        let differs = if self.rule.ignore_spaces && !was_inactive {
            value(&self.lines[at]) != value(&line)
        } else {
            self.lines[at] != line
        };
        if differs {
            self.lines[at] = line;
            self.changed = true;
            self.msg = "option changed";
        }
        self.done[at] = true;
    }

    /// Puts what is missing behind the last line that says something.
    fn add(&mut self, option: &str, left: &[String], stands_alone: bool) {
        let last = self
            .lines
            .iter()
            .rposition(|line| !is_blank_or_comment(line));
        // Before all sections there may be nothing yet.
        let at = match (last, &self.rule.section) {
            (Some(last), _) => last + 1,
            (None, _) => 0,
        };
        let mut new: Vec<String> = left
            .iter()
            .map(|value| self.rule.assignment(option, value))
            .collect();
        if self.rule.values.is_empty() && self.rule.allow_no_value && !stands_alone {
            new.push(format!("{option}\n"));
        }
        if !new.is_empty() {
            self.lines.splice(at..at, new);
            self.changed = true;
            self.msg = "option added";
        }
    }

    fn unset(&mut self, option: &str) {
        let rule = self.rule;
        let goes = |line: &String| {
            parse(option, line).is_some_and(|found| {
                !found.inactive
                    && (rule.exclusive || rule.values.iter().any(|value| value == found.value))
            })
        };
        let before = self.lines.len();
        self.lines.retain(|line| !goes(line));
        if self.lines.len() != before {
            self.changed = true;
            self.msg = "option changed";
        }
    }
}
