//! `ciphers` of `uri` and `get_url`: a list as OpenSSL writes it, over the suites that our TLS has.
//!
//! A list narrows what TLS 1.2 may use; that of TLS 1.3 is not changed by it, as in OpenSSL. Our suites are OpenSSL's
//! strong ones alone, so a list of others leaves nothing, which is told.

/// Which of the suites (by OpenSSL's names) the lists pick, in the suites' own order; an error where that is none.
pub(super) fn picked<'a>(lists: &[String], suites: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let words = lists.iter().flat_map(|list| list.split([':', ',', ' ']));
    let mut chosen: Vec<&str> = Vec::new();
    let mut banned: Vec<&str> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let (word, level) = word.split_once('@').unwrap_or((word, ""));
        let matching = |word: &str| {
            suites
                .iter()
                .copied()
                .filter(move |suite| fits(word, suite))
                .collect::<Vec<_>>()
        };
        match word.chars().next() {
            None if !level.is_empty() => {}
            Some('!') => banned.extend(matching(&word[1..])),
            Some('-') => {
                let gone = matching(&word[1..]);
                chosen.retain(|suite| !gone.contains(suite));
            }
            // `+` moves suites to the end; the order is the server's choice anyhow.
            Some('+') | None => {}
            Some(_) => chosen.extend(matching(word)),
        }
    }
    let is_picked = |suite: &&'a str| chosen.contains(suite) && !banned.contains(suite);
    let picked: Vec<&str> = suites.iter().copied().filter(is_picked).collect();
    match picked.is_empty() {
        true => Err(format!(
            "none of the ciphers `{}` is supported by Strata",
            lists.join(":")
        )),
        false => Ok(picked),
    }
}

/// Whether a word means a suite: its name, all of them, or properties with `+` between.
fn fits(word: &str, suite: &str) -> bool {
    word == suite || word.split('+').all(|property| has(property, suite))
}

fn has(property: &str, suite: &str) -> bool {
    match property {
        "DEFAULT" | "ALL" | "HIGH" | "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" | "TLSv1.2"
        | "AEAD" => true,
        "RSA" | "aRSA" => suite.contains("-RSA-"),
        "ECDSA" | "aECDSA" => suite.contains("-ECDSA-"),
        "AES" => suite.contains("-AES"),
        "AESGCM" => suite.contains("-GCM-"),
        "AES128" | "AES256" | "CHACHA20" | "SHA256" | "SHA384" => suite.contains(property),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITES: &[&str] = &[
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ];

    fn check(list: &[&str], expected: &[usize]) {
        let list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
        let expected: Vec<&str> = expected.iter().map(|at| SUITES[*at]).collect();
        assert_eq!(
            picked(&list, SUITES).unwrap_or_default(),
            expected,
            "{list:?}"
        );
    }

    #[test]
    fn names_and_properties_pick_suites() {
        check(&["ECDHE-RSA-AES128-GCM-SHA256"], &[2]);
        check(
            &["ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"],
            &[2, 3],
        );
        check(&["DEFAULT@SECLEVEL=1"], &[0, 1, 2, 3]);
        check(&["ECDHE+AESGCM", "!aECDSA"], &[1, 2]);
        check(&["ALL", "-AES128", "@STRENGTH"], &[0, 1, 3]);
    }

    #[test]
    fn a_list_of_what_we_lack_is_refused() {
        check(&["AES128-SHA", "DES-CBC3-SHA"], &[]);
        check(&["ALL", "!ALL"], &[]);
    }
}
