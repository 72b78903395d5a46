//! The stream on which a server of the older generations speaks by itself.

use std::sync::Arc;

use patchbay_core::wire::Method;
use patchbay_core::wire::header::{ACCEPT, HeaderMap, HeaderValue};

use crate::answer::Flow;
use crate::carry::Carrier;
use crate::envelope::Envelope;

/// Listens until the session ends or the server says that it has nothing to say this way.
pub(crate) async fn listen(carrier: Arc<Carrier>) {
    let mut flow = Flow::default();
    let none = Envelope::of(br#"{"jsonrpc":"2.0","method":"listen"}"#);
    let mut round = 0;
    loop {
        let Ok(way) = carrier.way().await else { return };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        carrier.session.headers(&mut headers);
        if let Some(last) = &flow.last_id {
            headers.insert("last-event-id", last.clone());
        }
        match way.client.send(&way.endpoint, Method::GET, None, &headers).await {
            Ok(response) if response.status().is_success() => {
                round = 0;
                let is_stream = response
                    .headers()
                    .get("content-type")
                    .and_then(|kind| kind.to_str().ok())
                    .is_some_and(|kind| kind.starts_with("text/event-stream"));
                if !is_stream {
                    return;
                }
                // However it ends, it is taken up again.
                let _ = flow.pass_on(&carrier, response, &none).await;
            }
            // A renewed token; the next request finds it, this stream too.
            Ok(response)
                if response.status().as_u16() == 401 && !matches!(carrier.ask_again(&way).await, Ok(Some(_))) =>
            {
                return;
            }
            // 405: the server has no such stream. 404: the session is over, the next request begins a new one.
            Ok(response) if response.status().is_client_error() => return,
            _ => {}
        }
        tokio::time::sleep(flow.wait(round)).await;
        round += 1;
        if round > 20 {
            return;
        }
    }
}
