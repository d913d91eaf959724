//! WebSockets to a daemon.

use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig},
};

use strata_http::{CONNECT_LIMIT, Pool, Stream};

use super::{error::ClientError, path::ApiPath};

/// An open WebSocket.
pub(crate) type WebSocket = WebSocketStream<Stream>;

/// Opens the WebSocket at a path.
pub(crate) async fn open(pool: &Pool, path: &ApiPath) -> Result<WebSocket, ClientError> {
    let stream = pool.stream().await?;
    let mut request = format!("ws://incus{}", path.as_str())
        .into_client_request()
        .map_err(|error| failed(&error))?;
    for (name, value) in pool.headers() {
        let value = HeaderValue::from_str(&value);
        let value =
            value.map_err(|_| ClientError::Setup("the OIDC token is no token".to_owned()))?;
        request.headers_mut().insert(name, value);
    }
    // What comes is bounded by the server; the default limit of 64 MiB a message only stops the mad.
    let config = WebSocketConfig::default();
    let shaking = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    match tokio::time::timeout(CONNECT_LIMIT, shaking).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(ClientError::Timeout {
            what: "opening a WebSocket".to_owned(),
            seconds: CONNECT_LIMIT.as_secs(),
        }),
    }
}

/// Turns a WebSocket's error into ours; never shows the path, which may hold a secret.
pub(crate) fn failed(error: &Error) -> ClientError {
    match error {
        Error::Http(response) => ClientError::Api {
            status: response.status().as_u16(),
            message: format!("the server refused a WebSocket: {}", response.status()),
        },
        other => ClientError::Exchange(other.to_string()),
    }
}
