//! The files in which Unix keeps its users and groups.

use crate::system::{Group, User};

/// Reads `/etc/passwd`, leaving out lines that are not entries.
pub fn users(text: &str) -> Vec<User> {
    text.lines().filter_map(user).collect()
}

fn user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, comment, home, shell] = fields[..] else {
        return None;
    };
    Some(User {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: comment.to_owned(),
        home: home.to_owned(),
        shell: shell.trim_end().to_owned(),
    })
}

/// Reads `/etc/group`, leaving out lines that are not entries.
pub fn groups(text: &str) -> Vec<Group> {
    text.lines().filter_map(group).collect()
}

fn group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else {
        return None;
    };
    let members = members
        .trim_end()
        .split(',')
        .filter(|member| !member.is_empty());
    Some(Group {
        name: name.to_owned(),
        gid: gid.parse().ok()?,
        members: members.map(str::to_owned).collect(),
    })
}

/// Finds a user's password hash in `/etc/shadow`.
pub fn password_hash(shadow: &str, user: &str) -> Option<String> {
    let line = shadow
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_other_lines_left_out() {
        let users = users("root:x:0:0:root:/root:/bin/bash\n+::::::\n# no\nbad:x:a:0::/:/bin/sh\n");
        assert_eq!(users.len(), 1);
        assert_eq!(
            (users[0].name.as_str(), users[0].shell.as_str()),
            ("root", "/bin/bash")
        );
        let groups = groups("adm:x:4:syslog,me\nroot:x:0:\n");
        assert_eq!(groups[0].members, ["syslog", "me"]);
        assert!(groups[1].members.is_empty());
    }

    #[test]
    fn a_hash_is_that_of_the_whole_name() {
        let shadow = "rooty:!:1::::::\nroot:$6$x:1::::::\n";
        assert_eq!(password_hash(shadow, "root").as_deref(), Some("$6$x"));
        assert_eq!(password_hash(shadow, "me"), None);
    }
}
