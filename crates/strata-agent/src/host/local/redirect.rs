//! Redirects as Ansible follows them: which requests go on, to where, and with what.
//!
//! As `follow_redirects` of `uri` says it (ansible-core 2.19): `safe` goes on with what only reads, `urllib2` as
//! Python's library does, `all` with everything. Only 307 and 308 keep the method and the body.

use crate::system::{HttpRequest, Redirects};

/// How often one address may be come to, and how many there may be, before it is taken for a circle.
const MOST_VISITS: usize = 4;
const MOST_ADDRESSES: usize = 10;

/// The addresses that redirects led to so far.
#[derive(Debug, Default)]
pub(super) struct Visits(Vec<String>);

impl Visits {
    /// Notes one more address; false if this leads nowhere.
    pub(super) fn may_go_to(&mut self, url: &str) -> bool {
        let times = self.0.iter().filter(|known| *known == url).count();
        let mut different: Vec<&String> = self.0.iter().collect();
        different.sort_unstable();
        different.dedup();
        let goes_on = times < MOST_VISITS && different.len() < MOST_ADDRESSES;
        self.0.push(url.to_owned());
        goes_on
    }
}

/// The request that follows on an answer, if there is one.
pub(super) fn next(request: &HttpRequest, status: u16, location: &str) -> Option<HttpRequest> {
    if !is_followed(request, status) {
        return None;
    }
    let mut next = HttpRequest {
        url: joined(&request.url, &location.replace(' ', "%20")),
        unredirected: Vec::new(),
        ..request.clone()
    };
    let is_left = |name: &str| {
        let mut left = request.unredirected.iter();
        left.any(|left| left.eq_ignore_ascii_case(name))
    };
    next.headers.retain(|(name, _)| !is_left(name));
    if origin(&next.url) != origin(&request.url) {
        // Ansible would give a password to whatever server the first one names.
        next.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    }
    if !matches!(status, 307 | 308) {
        next.body = None;
        next.headers.retain(|(name, _)| !is_of_body(name));
        next.method = method(request, status);
    }
    Some(next)
}

fn is_followed(request: &HttpRequest, status: u16) -> bool {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
    let is_allowed = match request.redirects {
        Redirects::None => false,
        Redirects::Safe => reads,
        Redirects::Python => reads || request.method == "POST" && status <= 303,
        Redirects::All => true,
    };
    is_redirect && is_allowed
}

fn is_of_body(name: &str) -> bool {
    ["content-length", "content-type", "transfer-encoding"]
        .iter()
        .any(|of_body| of_body.eq_ignore_ascii_case(name))
}

fn method(request: &HttpRequest, status: u16) -> String {
    let becomes_get = match status {
        302 | 303 => request.method != "HEAD",
        _ => request.method == "POST",
    };
    match becomes_get {
        true => "GET".to_owned(),
        false => request.method.clone(),
    }
}

/// Scheme, and host with its port.
pub(super) fn origin(url: &str) -> (&str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    (scheme, host.rsplit('@').next().unwrap_or(host))
}

/// An address as another one refers to it.
pub(super) fn joined(base: &str, location: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match location {
        location if location.contains("://") => location.to_owned(),
        location if location.starts_with("//") => format!("{scheme}:{location}"),
        location if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        location => {
            let path = base.split(['?', '#']).next().unwrap_or(base);
            if location.starts_with('?') {
                return format!("{path}{location}");
            }
            let start = scheme.len() + 3 + host.len();
            let folder = match path.rfind('/') {
                Some(end) if end >= start => &path[..end],
                _ => path,
            };
            format!("{folder}/{location}")
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(method: &str, redirects: Redirects, status: u16, location: &str, expected: Expect) {
        let header = |name: &str| (name.to_owned(), "x".to_owned());
        let request = HttpRequest {
            url: "http://here/a/b?c".to_owned(),
            method: method.to_owned(),
            headers: ["Content-Type", "Authorization", "X-One", "X-Two"]
                .map(header)
                .to_vec(),
            unredirected: vec!["x-two".to_owned()],
            body: Some(b"body".to_vec()),
            redirects,
            ..HttpRequest::default()
        };
        let shown = next(&request, status, location).map_or("-".to_owned(), |next| {
            let names: Vec<&str> = next.headers.iter().map(|(name, _)| name.as_str()).collect();
            let body = next.body.map_or(0, |body| body.len());
            format!("{} {} {} {body}", next.method, next.url, names.join(","))
        });
        expected.assert_eq(&shown);
    }

    #[test]
    fn only_two_statuses_keep_the_method_and_the_body() {
        check(
            "POST",
            Redirects::All,
            302,
            "/d",
            expect!["GET http://here/d Authorization,X-One 0"],
        );
        check(
            "POST",
            Redirects::All,
            307,
            "d",
            expect!["POST http://here/a/d Content-Type,Authorization,X-One 4"],
        );
        check(
            "PUT",
            Redirects::All,
            301,
            "?d",
            expect!["PUT http://here/a/b?d Authorization,X-One 0"],
        );
        check(
            "HEAD",
            Redirects::Safe,
            303,
            "/d e",
            expect!["HEAD http://here/d%20e Authorization,X-One 0"],
        );
    }

    #[test]
    fn what_changes_something_is_followed_only_where_that_is_asked_for() {
        check("POST", Redirects::Safe, 302, "/d", expect!["-"]);
        check(
            "POST",
            Redirects::Python,
            302,
            "/d",
            expect!["GET http://here/d Authorization,X-One 0"],
        );
        check("POST", Redirects::Python, 308, "/d", expect!["-"]);
        check("GET", Redirects::None, 302, "/d", expect!["-"]);
        check("GET", Redirects::All, 304, "/d", expect!["-"]);
    }

    #[test]
    fn a_password_goes_to_its_own_server_alone() {
        check(
            "GET",
            Redirects::Safe,
            302,
            "http://there/",
            expect!["GET http://there/ X-One 0"],
        );
        check(
            "GET",
            Redirects::Safe,
            302,
            "//here:81/",
            expect!["GET http://here:81/ X-One 0"],
        );
    }

    #[test]
    fn a_circle_ends() {
        let mut visits = Visits::default();
        let same = (0..6).map(|_| visits.may_go_to("a")).collect::<Vec<_>>();
        assert_eq!(same, [true, true, true, true, false, false]);
        let mut visits = Visits::default();
        let many = (0..12).filter(|n| visits.may_go_to(&n.to_string()));
        assert_eq!(many.count(), 10);
    }

    #[test]
    fn a_server_without_a_path_is_referred_to() {
        assert_eq!(joined("http://here", "d"), "http://here/d");
    }
}
