//! Asking the domain name system.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE, rdata::RData};
use strata_core::Diagnostics;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket, lookup_host},
    time::timeout,
};

use crate::failure::failed;

/// How long one server is waited for, and how often each is asked.
const PATIENCE: Duration = Duration::from_secs(5);
const ROUNDS: usize = 2;

/// Why there is no answer.
#[derive(Debug)]
enum NoAnswer {
    Io(io::Error),
    /// The answer cannot be read, or is not to what was asked.
    Malformed,
    /// The server said so.
    Refused(RCODE),
}

/// The addresses of a host, as programs of this machine see them: `/etc/hosts` counts.
pub(crate) async fn addresses(host: &str) -> Result<Vec<IpAddr>, Diagnostics> {
    let found = lookup_host((host, 0)).await;
    let found = found.map_err(|error| {
        failed(
            "DNS lookup failed",
            format!("error looking up records for host `{host}`: {error}."),
        )
    })?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

/// What the records of a type say that the system's name servers have for a name.
pub(crate) async fn records<T>(
    name: &str,
    kind: TYPE,
    read: impl Fn(&RData<'_>) -> Option<T>,
) -> Result<Vec<T>, Diagnostics> {
    let config = tokio::fs::read_to_string("/etc/resolv.conf")
        .await
        .unwrap_or_default();
    let told = |reason: &str| {
        failed(
            "DNS lookup failed",
            format!("error looking up {kind:?} records for `{name}`: {reason}."),
        )
    };
    match ask_all(&servers(&config), name, kind).await {
        Ok(answer) => {
            let packet = Packet::parse(&answer).map_err(|_| told("the answer cannot be read"))?;
            Ok(packet
                .answers
                .iter()
                .filter_map(|record| read(&record.rdata))
                .collect())
        }
        Err(NoAnswer::Refused(RCODE::NameError)) => Err(told("no such host")),
        Err(NoAnswer::Refused(code)) => Err(told(&format!("the server refuses it: {code:?}"))),
        Err(NoAnswer::Malformed) => Err(told("the answer cannot be read")),
        Err(NoAnswer::Io(error)) => Err(told(&error.to_string())),
    }
}

/// A name as the original gives it: with a dot at its end.
pub(crate) fn absolute(name: &Name<'_>) -> String {
    format!("{name}.")
}

/// The name servers that a `resolv.conf` names; this machine if it names none.
fn servers(config: &str) -> Vec<SocketAddr> {
    let named = config.lines().filter_map(|line| {
        let address = line.trim().strip_prefix("nameserver")?.trim();
        Some(SocketAddr::new(address.parse().ok()?, 53))
    });
    let named: Vec<SocketAddr> = named.take(3).collect();
    match named.is_empty() {
        true => vec![SocketAddr::from(([127, 0, 0, 1], 53))],
        false => named,
    }
}

async fn ask_all(servers: &[SocketAddr], name: &str, kind: TYPE) -> Result<Vec<u8>, NoAnswer> {
    let mut last = NoAnswer::Malformed;
    for server in std::iter::repeat_n(servers, ROUNDS).flatten() {
        match ask(*server, name, kind).await {
            Err(NoAnswer::Io(error)) => last = NoAnswer::Io(error),
            done => return done,
        }
    }
    Err(last)
}

async fn ask(server: SocketAddr, name: &str, kind: TYPE) -> Result<Vec<u8>, NoAnswer> {
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| NoAnswer::Malformed)?;
    let id = u16::from_be_bytes(id);
    let query = query(id, name, kind).ok_or(NoAnswer::Malformed)?;
    let late = |_| NoAnswer::Io(io::ErrorKind::TimedOut.into());
    let mut answer = timeout(PATIENCE, over_udp(server, &query))
        .await
        .map_err(late)?
        .map_err(NoAnswer::Io)?;
    if check(&answer, id)? {
        answer = timeout(PATIENCE, over_tcp(server, &query))
            .await
            .map_err(late)?
            .map_err(NoAnswer::Io)?;
        check(&answer, id)?;
    }
    Ok(answer)
}

fn query(id: u16, name: &str, kind: TYPE) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name.strip_suffix('.').unwrap_or(name)).ok()?;
    packet
        .questions
        .push(Question::new(name, kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().ok()
}

/// Gives true if the answer was cut off.
fn check(answer: &[u8], id: u16) -> Result<bool, NoAnswer> {
    let packet = Packet::parse(answer).map_err(|_| NoAnswer::Malformed)?;
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) {
        return Err(NoAnswer::Malformed);
    }
    match packet.rcode() {
        RCODE::NoError => Ok(packet.has_flags(PacketFlag::TRUNCATION)),
        code => Err(NoAnswer::Refused(code)),
    }
}

async fn over_udp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    // Connected, so that the system drops what others send.
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; 4096];
    let length = socket.recv(&mut buffer).await?;
    buffer.truncate(length);
    Ok(buffer)
}

async fn over_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes(), query].concat())
        .await?;
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; length.into()];
    stream.read_exact(&mut buffer).await?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use simple_dns::{ResourceRecord, rdata::MX};
    use tokio::net::TcpListener;

    use super::*;

    /// An answer to a query, with one MX record; or cut off.
    fn answer(query: &[u8], cut_off: bool, code: RCODE) -> Vec<u8> {
        let query = Packet::parse(query).unwrap();
        let mut packet = Packet::new_reply(query.id());
        packet.questions = query.questions.clone();
        *packet.rcode_mut() = code;
        match cut_off {
            true => packet.set_flags(PacketFlag::TRUNCATION),
            false => {
                let data = RData::MX(MX {
                    preference: 10,
                    exchange: Name::new_unchecked("mail.example.com"),
                });
                packet.answers.push(ResourceRecord::new(
                    Name::new_unchecked("example.com"),
                    CLASS::IN,
                    60,
                    data,
                ));
            }
        }
        packet.build_bytes_vec().unwrap()
    }

    /// A name server that answers one query over UDP, and one over TCP if its answer was cut off.
    async fn server(cut_off: bool, code: RCODE) -> SocketAddr {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).await.unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            udp.send_to(&answer(&buffer[..length], cut_off, code), from)
                .await
                .unwrap();
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut query = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut query).await.unwrap();
            let answer = answer(&query, false, code);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn records_come_over_udp_and_tcp_where_an_answer_is_cut_off() {
        for cut_off in [false, true] {
            let address = server(cut_off, RCODE::NoError).await;
            let answer = ask_all(&[address], "example.com.", TYPE::MX).await.unwrap();
            let packet = Packet::parse(&answer).unwrap();
            let RData::MX(mx) = &packet.answers[0].rdata else {
                panic!("{packet:?}");
            };
            assert_eq!(
                (mx.preference, absolute(&mx.exchange)),
                (10, "mail.example.com.".to_owned())
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_is_no_answer() {
        let address = server(false, RCODE::NameError).await;
        let refused = ask_all(&[address], "example.com", TYPE::MX).await;
        assert!(
            matches!(refused, Err(NoAnswer::Refused(RCODE::NameError))),
            "{refused:?}"
        );
    }

    #[test]
    fn servers_are_those_of_the_file() {
        let config = "# nameserver 9.9.9.9\nsearch a\nnameserver 10.0.0.1\nnameserver ::1\n";
        assert_eq!(
            servers(config),
            ["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]
        );
        assert_eq!(servers(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
