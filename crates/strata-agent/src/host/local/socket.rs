//! HTTP/1.1 over a unix socket: how the Docker Engine is asked, and `uri` with `unix_socket`.
//!
//! One request a connection, no redirects; the body of the answer is read as it comes, since an
//! image may be larger than the memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::host::{HostError, HttpResponse};
use crate::system::HttpRequest;

/// No head of an answer is longer.
const LONGEST_HEAD: u64 = 64 << 10;

pub(super) fn fetch(request: &HttpRequest, socket: &Path) -> Result<HttpResponse, HostError> {
    let failed = |error: io::Error| HostError::io("ask the server at", socket, &error);
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream
        .set_read_timeout(Some(request.timeout).filter(|time| !time.is_zero()))
        .map_err(failed)?;
    send(&mut stream, request).map_err(failed)?;
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader).map_err(failed)?;
    if let Some(input) = &request.input {
        let stream = reader.get_mut();
        let sent = stream.write_all(input);
        sent.and_then(|()| stream.shutdown(Shutdown::Write))
            .map_err(failed)?;
    }
    parse(&head, request, reader)
        .ok_or_else(|| HostError::Other(format!("{}: the answer is not HTTP", socket.display())))
}

fn send(stream: &mut UnixStream, request: &HttpRequest) -> io::Result<()> {
    let file = request.body_file.as_ref().map(File::open).transpose()?;
    let length = match (&file, &request.body) {
        (Some(file), _) => Some(file.metadata()?.len()),
        (None, Some(body)) => Some(body.len() as u64),
        (None, None) if request.method == "POST" => Some(0),
        (None, None) => None,
    };
    let (host, path) = target(&request.url);
    let mut head = format!("{} {path} HTTP/1.1\r\nHost: {host}\r\n", request.method);
    head.push_str("Connection: close\r\n");
    for (name, value) in &request.headers {
        if !has_break(name) && !has_break(value) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if let Some(length) = length {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    match (file, &request.body) {
        (Some(mut file), _) => io::copy(&mut file, stream).map(drop),
        (None, Some(body)) => stream.write_all(body),
        (None, None) => Ok(()),
    }
}

/// A value with a line's end would be a header field of its own.
fn has_break(text: &str) -> bool {
    text.contains(['\r', '\n'])
}

/// The host and the path of an address.
fn target(url: &str) -> (&str, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or(rest);
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    (host.rsplit('@').next().unwrap_or(host), path)
}

fn read_head(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = Vec::new();
    let mut limited = reader.take(LONGEST_HEAD);
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if limited.read_until(b'\n', &mut head)? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn parse(
    head: &str,
    request: &HttpRequest,
    reader: impl BufRead + Send + 'static,
) -> Option<HttpResponse> {
    let mut lines = head.lines();
    let mut first = lines.next()?.splitn(3, ' ');
    let version = first.next()?;
    let status: u16 = first.next()?.parse().ok()?;
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    let reason = first.next().unwrap_or_default().trim().to_owned();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
        if name == "set-cookie" {
            cookies.push(value.clone());
        }
        headers
            .entry(name)
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert(value);
    }
    let is_chunked = headers
        .get("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let body: Box<dyn Read + Send> = match (is_chunked, length) {
        _ if request.method == "HEAD" || matches!(status, 204 | 304) => Box::new(io::empty()),
        (true, _) => Box::new(Chunks::new(reader)),
        (false, Some(length)) => Box::new(reader.take(length)),
        (false, None) => Box::new(reader),
    };
    Some(HttpResponse {
        status,
        reason,
        headers,
        cookies,
        url: request.url.clone(),
        body,
    })
}

/// A body in pieces, each after its length (RFC 9112, 7.1).
struct Chunks<R> {
    reader: R,
    left: u64,
    is_over: bool,
}

impl<R: BufRead> Chunks<R> {
    fn new(reader: R) -> Chunks<R> {
        Chunks {
            reader,
            left: 0,
            is_over: false,
        }
    }

    fn next_length(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        (&mut self.reader).take(1 << 10).read_line(&mut line)?;
        if line.trim().is_empty() {
            line.clear();
            (&mut self.reader).take(1 << 10).read_line(&mut line)?;
        }
        let digits = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.left = self.next_length()?;
            self.is_over = self.left == 0;
            if self.is_over {
                return Ok(0);
            }
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static str) -> io::Result<String> {
        let mut read = String::new();
        Chunks::new(text.as_bytes())
            .read_to_string(&mut read)
            .map(|_| read)
    }

    #[test]
    fn a_body_in_pieces_is_put_together() {
        assert_eq!(
            body("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").unwrap(),
            "abcde"
        );
        assert!(body("3\r\nab").is_err());
        assert!(body("zz\r\n").is_err());
    }

    #[test]
    fn an_address_names_the_host_and_the_path() {
        let check = |url: &str, host: &str, path: &str| {
            assert_eq!(target(url), (host, path.to_owned()));
        };
        check("http://localhost/a?b=c#d", "localhost", "/a?b=c");
        check("http://me@here:80", "here:80", "/");
        check("http://here?x", "here", "/?x");
    }
}
