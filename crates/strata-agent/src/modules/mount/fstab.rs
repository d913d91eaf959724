//! The lines of `/etc/fstab`.

/// One entry, its fields as they are meant, not escaped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) source: String,
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) options: String,
    pub(super) dump: String,
    pub(super) pass: String,
}

impl Entry {
    fn line(&self) -> String {
        let fields = [
            &self.source,
            &self.path,
            &self.kind,
            &self.options,
            &self.dump,
            &self.pass,
        ];
        fields.map(|field| escape(field)).join(" ") + "\n"
    }

    /// Whether an entry of the file is about the same place; swap space has none.
    fn is_about(&self, fields: &[&str]) -> bool {
        let swap = fields[1] == "none" && fields[2] == "swap";
        fields[1] == escape(&self.path) && (!swap || fields[0] == escape(&self.source))
    }

    fn equals(&self, fields: &[&str]) -> bool {
        let field = |at: usize| fields.get(at).copied().unwrap_or("0");
        [
            (0, &self.source),
            (2, &self.kind),
            (3, &self.options),
            (4, &self.dump),
            (5, &self.pass),
        ]
        .iter()
        .all(|(at, wanted)| field(*at) == escape(wanted))
    }
}

/// As fstab(5) writes what would end a field.
fn escape(field: &str) -> String {
    let field = field.replace('\\', "\\134");
    field.replace(' ', "\\040").replace('&', "\\046")
}

/// The fields of a line, if it is an entry.
fn fields(line: &str, least: usize) -> Option<Vec<&str>> {
    let bare = line.trim();
    if bare.is_empty() || bare.starts_with('#') {
        return None;
    }
    let fields: Vec<&str> = bare
        .split('#')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    (least..=6).contains(&fields.len()).then_some(fields)
}

/// The text with the entry in it; `None` when it is there already.
pub(super) fn with(text: &str, entry: &Entry) -> Option<String> {
    let mut new = String::new();
    let (mut there, mut changed) = (false, false);
    for line in text.split_inclusive('\n') {
        match fields(line, 4).filter(|fields| entry.is_about(fields)) {
            Some(fields) => {
                there = true;
                if entry.equals(&fields) {
                    new.push_str(line);
                } else {
                    changed = true;
                    new.push_str(&entry.line());
                }
            }
            None => new.push_str(line),
        }
        if !new.ends_with('\n') {
            new.push('\n');
        }
    }
    if !there {
        new.push_str(&entry.line());
    }
    (changed || !there).then_some(new)
}

/// The text without the entry; `None` when it is not there.
pub(super) fn without(text: &str, entry: &Entry) -> Option<String> {
    // As in Ansible, only whole lines go.
    let goes = |line: &&str| fields(line, 6).is_some_and(|fields| entry.is_about(&fields));
    let lines = || text.split_inclusive('\n');
    let any = lines().any(|line| goes(&line));
    any.then(|| lines().filter(|line| !goes(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, path: &str, kind: &str) -> Entry {
        Entry {
            source: source.to_owned(),
            path: path.to_owned(),
            kind: kind.to_owned(),
            options: "defaults".to_owned(),
            dump: "0".to_owned(),
            pass: "0".to_owned(),
        }
    }

    #[test]
    fn an_entry_is_added_changed_and_found() {
        let tmp = entry("tmpfs", "/my tmp", "tmpfs");
        let text = with("# c\n/dev/a / ext4 rw 0 1", &tmp).unwrap();
        assert_eq!(
            text,
            "# c\n/dev/a / ext4 rw 0 1\ntmpfs /my\\040tmp tmpfs defaults 0 0\n"
        );
        assert_eq!(with(&text, &tmp), None);
        let other = entry("none", "/my tmp", "tmpfs");
        assert!(
            with(&text, &other)
                .unwrap()
                .ends_with("none /my\\040tmp tmpfs defaults 0 0\n")
        );
        assert_eq!(without(&text, &tmp).unwrap(), "# c\n/dev/a / ext4 rw 0 1\n");
        assert_eq!(without("# c\n", &tmp), None);
    }

    #[test]
    fn swap_is_told_by_its_source() {
        let text = "/swap1 none swap sw 0 0\n";
        let added = with(text, &entry("/swap2", "none", "swap")).unwrap();
        assert_eq!(
            added,
            "/swap1 none swap sw 0 0\n/swap2 none swap defaults 0 0\n"
        );
    }
}
