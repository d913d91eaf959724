//! Configuration keys: which of them are the user's, and which the server, or we, put there.

use super::attributes::Texts;

/// Carries the mark by which an object is found again after a crash. It stays on the object and never shows in state.
pub(crate) const MARKER_KEY: &str = "user.strata.marker";

/// Tells the keys that a server adds by itself.
pub(crate) type IsComputed = fn(&str) -> bool;

/// What state keeps of the server's keys: all but those that nobody wrote into the configuration.
///
/// `known` is what state has, or what was planned.
pub(crate) fn visible(server: &Texts, known: &Texts, is_computed: IsComputed) -> Texts {
    let keep = |key: &str| known.contains_key(key) || !(key == MARKER_KEY || is_computed(key));
    server
        .iter()
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.clone(), as_written(known.get(key), value)))
        .collect()
}

/// `auto` is replaced by the server with what it chose; state keeps the word, or the plan would never be empty.
fn as_written(known: Option<&String>, value: &str) -> String {
    match known {
        Some(known) if known == "auto" && value != "none" => known.clone(),
        _ => value.to_owned(),
    }
}

/// What the server is sent on an update: the user's keys, and of the others those that the server or we put there.
pub(crate) fn merged(
    server: &Texts,
    prior: &Texts,
    planned: &Texts,
    is_computed: IsComputed,
) -> Texts {
    let keep = |key: &str| !prior.contains_key(key) && (key == MARKER_KEY || is_computed(key));
    let mut merged: Texts = server
        .iter()
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in planned {
        // `auto` asks the server to choose. It has chosen: asking again would choose anew.
        let chosen = server
            .get(key)
            .filter(|_| value == "auto" && prior.get(key) == Some(value));
        merged.insert(key.clone(), chosen.unwrap_or(value).clone());
    }
    merged
}

/// The user's keys with our mark.
pub(crate) fn marked(mut config: Texts, marker: &str) -> Texts {
    if !marker.is_empty() {
        config.insert(MARKER_KEY.to_owned(), marker.to_owned());
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(entries: &[(&str, &str)]) -> Texts {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn volatile(key: &str) -> bool {
        key.starts_with("volatile.")
    }

    #[test]
    fn keys_of_the_server_and_our_mark_do_not_show_but_foreign_changes_do() {
        let server = texts(&[
            ("volatile.uuid", "1"),
            (MARKER_KEY, "m"),
            ("limits.cpu", "2"),
            ("boot.autostart", "true"),
        ]);
        let known = texts(&[("limits.cpu", "1")]);
        let expected = texts(&[("limits.cpu", "2"), ("boot.autostart", "true")]);
        assert_eq!(visible(&server, &known, volatile), expected);
    }

    #[test]
    fn a_key_of_the_server_that_the_user_wrote_shows() {
        let server = texts(&[("volatile.eth0.hwaddr", "aa")]);
        assert_eq!(visible(&server, &server, volatile), server);
    }

    #[test]
    fn an_update_keeps_the_servers_keys_and_drops_what_the_user_took_out() {
        let server = texts(&[
            ("volatile.uuid", "1"),
            (MARKER_KEY, "m"),
            ("limits.cpu", "2"),
            ("foreign", "x"),
        ]);
        let prior = texts(&[("limits.cpu", "2")]);
        let planned = texts(&[("limits.memory", "1GiB")]);
        let expected = texts(&[
            ("volatile.uuid", "1"),
            (MARKER_KEY, "m"),
            ("limits.memory", "1GiB"),
        ]);
        assert_eq!(merged(&server, &prior, &planned, volatile), expected);
    }

    #[test]
    fn auto_stays_written_and_what_the_server_chose_stays_chosen() {
        let server = texts(&[("ipv4.address", "10.1.2.1/24")]);
        let auto = texts(&[("ipv4.address", "auto")]);
        assert_eq!(visible(&server, &auto, volatile), auto);
        assert_eq!(merged(&server, &auto, &auto, volatile), server);
    }
}
