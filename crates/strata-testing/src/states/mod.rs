//! A server on loopback that keeps states: a bucket of S3 ([`bucket`]) and addresses as GitLab has them ([`plain`]).
//!
//! It checks who asks: signatures of version 4 ([`signature`]), user and password. Answers may be made to fail.

mod bucket;
mod plain;
mod signature;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// The keys and the password that the server knows; the tests' own.
pub const KEY_ID: &str = "TESTKEY";
/// What goes with [`KEY_ID`].
pub const SECRET: &str = "a secret of the tests";
/// The user of the addresses that are no bucket.
pub const USER: &str = "tester";
/// What goes with [`USER`].
pub const PASSWORD: &str = "pass of the tests";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET` and so on.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What the server keeps.
#[derive(Debug, Default)]
pub struct Kept {
    /// Objects by bucket and key, `BUCKET/KEY`, and states by path.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Locks of the addresses that are no bucket, by path.
    pub locks: BTreeMap<String, Vec<u8>>,
    /// Every request that came, as `METHOD TARGET`.
    pub asked: Vec<String>,
    /// The headers of the last request that wrote something.
    pub written_with: BTreeMap<String, String>,
    /// Requests of this method, or this one as in `asked`, are answered with 503.
    pub broken: Option<String>,
}

/// A server on loopback; it ends with the process.
#[derive(Clone)]
pub struct Server {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

impl Server {
    /// Starts one.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self {
            address: listener.local_addr()?.to_string(),
            kept: Arc::default(),
        };
        let kept = server.kept.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                // Whoever goes away in the middle of a request gets no answer.
                thread::spawn(move || drop(serve(&stream, &kept)));
            }
        });
        Ok(server)
    }

    /// `http://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it keeps.
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader, stream)? {
        let reply = answer(
            &mut kept.lock().unwrap_or_else(PoisonError::into_inner),
            &asked,
        );
        let length = reply.body.len();
        let mut out = stream;
        write!(
            out,
            "HTTP/1.1 {} X\r\nContent-Length: {length}\r\n\r\n",
            reply.status
        )?;
        out.write_all(if asked.method == "HEAD" {
            &[]
        } else {
            &reply.body
        })?;
    }
    Ok(())
}

fn read(reader: &mut impl BufRead, mut out: &TcpStream) -> io::Result<Option<Asked>> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.contains_key("expect") {
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some(Asked {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body,
    }))
}

/// Answers a request, without any connection.
pub fn answer(kept: &mut Kept, asked: &Asked) -> Reply {
    let line = format!("{} {}", asked.method, asked.target);
    kept.asked.push(line.clone());
    let is_broken = |broken: &String| *broken == line || *broken == asked.method;
    if kept.broken.as_ref().is_some_and(is_broken) {
        return Reply::of(503, "");
    }
    match asked.target.starts_with("/plain/") {
        true => plain::answer(kept, asked),
        false => bucket::answer(kept, asked),
    }
}

impl Reply {
    pub(crate) fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
        }
    }
}
