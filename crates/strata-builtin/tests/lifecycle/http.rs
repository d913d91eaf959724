//! `http`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use crate::world::World;

/// A server on loopback that gives these answers, one a connection, and keeps what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Vec<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        thread::spawn(move || {
            for (answer, stream) in answers.iter().cycle().zip(listener.incoming()) {
                let mut stream = BufReader::new(stream.unwrap());
                let mut request = String::new();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    request.push_str(&line);
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                request.push_str(&String::from_utf8(body).unwrap());
                seen.lock().unwrap().push(request);
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }

    fn config(&self, arguments: &str) -> String {
        format!(
            "data \"http\" \"a\" {{\n url = \"{}/x\"\n {arguments}\n}}\nresource \"terraform_data\" \"a\" {{\n input = data.http.a\n}}",
            self.url
        )
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-twice: 1\r\nX-Twice: 2\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";
const BINARY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\u{7f}\u{1}";

#[test]
fn an_answer_is_given_with_its_headers() {
    let (world, server) = (World::new(), Server::start(vec![OK]));
    let text = server.config("method = \"POST\"\n request_headers = { Accept = \"text/plain\" }\n request_body = \"question\"");
    world.apply(&text);
    let answer = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        (&answer["status_code"], &answer["response_body"]),
        (&200.into(), &"hello".into())
    );
    assert_eq!(answer["response_body_base64"], "aGVsbG8=");
    assert_eq!(answer["response_headers"]["X-Twice"], "1, 2");
    assert_eq!(answer["response_headers"]["Content-Type"], "text/plain");
    assert_eq!(answer["method"], "POST");
    let asked = server.asked.lock().unwrap()[0].to_lowercase();
    assert!(
        asked.starts_with("post /x http/1.1")
            && asked.contains("accept: text/plain")
            && asked.ends_with("question"),
        "{asked}"
    );
}

#[test]
fn a_status_of_an_error_is_an_answer() {
    let (world, server) = (World::new(), Server::start(vec![BUSY]));
    world.apply(&server.config(""));
    let answer = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        (&answer["status_code"], &answer["response_body"]),
        (&503.into(), &"busy".into())
    );
}

#[test]
fn a_busy_server_is_asked_again() {
    let (world, server) = (World::new(), Server::start(vec![BUSY, BUSY, OK]));
    world.apply(&server.config("retry {\n attempts = 2\n min_delay_ms = 1\n max_delay_ms = 2\n}"));
    let answer = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(answer["status_code"], 200);
    // Read in the plan before the apply, and in the one after.
    assert_eq!(server.asked.lock().unwrap().len(), 6);
}

#[test]
fn an_answer_of_bytes_is_there_in_base64() {
    let (world, server) = (World::new(), Server::start(vec![BINARY]));
    world.apply(&server.config("request_timeout_ms = 60000"));
    assert_eq!(
        world.object("terraform_data.a")["output"]["value"]["response_body_base64"],
        "fwE="
    );
}

#[test]
fn wrong_arguments_are_refused() {
    let server = Server::start(vec![OK]);
    for (arguments, told) in [
        (
            "method = \"BREW\"",
            "`method` must be one of: `GET`, `POST`, `HEAD`",
        ),
        (
            "request_timeout_ms = 0",
            "`request_timeout_ms` must be at least 1",
        ),
        (
            "insecure = true\n ca_cert_pem = \"x\"",
            "cannot be specified together",
        ),
        (
            "ca_cert_pem = \"x\"",
            "Only PEM encoded certificates are supported",
        ),
        ("client_cert_pem = \"x\"", "must be specified together"),
        (
            "client_cert_pem = \"x\"\n client_key_pem = \"hunter2\"",
            "`client_cert_pem` is not in PEM",
        ),
    ] {
        let said = World::new().refused(&server.config(arguments));
        assert!(
            said.contains(told) && !said.contains("hunter2"),
            "{arguments}\n{said}"
        );
    }
    let said = World::new().refused(r#"data "http" "a" { url = "ftp://a" }"#);
    assert!(said.contains("must start with"), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let said = World::new().refused(&format!(
        "data \"http\" \"a\" {{ url = \"http://{gone}\" }}"
    ));
    assert!(said.contains("Error making request"), "{said}");
}
