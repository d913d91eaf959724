//! Does something accept connections?

use tokio::net::TcpStream;

use super::Answer;

pub(super) async fn ask(address: &str) -> Answer {
    match TcpStream::connect(address).await {
        Ok(_) => Answer {
            passed: true,
            detail: "accepts connections".to_owned(),
        },
        Err(error) => Answer {
            passed: false,
            detail: error.to_string(),
        },
    }
}
