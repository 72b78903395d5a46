//! The stream on which a server of the older generations speaks by itself.

use std::sync::Arc;

use patchbay_core::wire::{Method, StatusCode};

use crate::answer::is_stream;
use crate::carry::Carrier;
use crate::envelope::Envelope;
use crate::message::Open;
use crate::newest::Newest;
use crate::stream::Flow;
use crate::wait::is_for_now;

/// How often in a row the server may report a fault of its own before it is left alone.
const FAULTS: u32 = 5;

/// Listens until the session ends or the server says that it has nothing to say this way.
///
/// Outages are waited out, however long: a computer may sleep for days. A refused token is waited out until a request
/// has found the renewed one; this stream alone never asks for it.
pub(crate) async fn listen(carrier: Arc<Carrier>) {
    let nobody = Envelope::of(br#"{"jsonrpc":"2.0","method":"listen"}"#);
    let (mut flow, mut in_vain, mut faults) = (Flow::default(), 0, 0);
    loop {
        let Some(way) = carrier.ways.some_time().await else { return };
        // The service is elsewhere now: the next request begins a session there.
        if !carrier.session.is_at(&way.endpoint.origin()) {
            return;
        }
        let headers = carrier.session.listening(flow.last_id.as_ref());
        match way.client.send(&way.endpoint, Method::GET, None, &headers).await {
            Ok(response) if response.status().is_success() && is_stream(&response) => {
                (flow.heard, faults) = (false, 0);
                // However it ends, it is taken up again.
                let _ = flow.pass_on(&carrier, response, &nobody, &mut Open::new(Vec::new())).await;
                in_vain = if flow.heard { 0 } else { in_vain };
            }
            Ok(response) if response.status() == StatusCode::UNAUTHORIZED => carrier.ways.changed_from(&way).await,
            Ok(response) if is_for_now(response.status()) && faults < FAULTS => {
                faults += 1;
                flow.heed(&response);
            }
            // 405: the server has no such stream. 404: the session is over, the next request begins a new one.
            Ok(_) => return,
            Err(_) => {}
        }
        tokio::time::sleep(flow.wait(in_vain)).await;
        in_vain += 1;
    }
}

/// The same with a server of the newest generation, for an app of an older one: what changes is subscribed to.
pub(crate) async fn subscribe(carrier: Arc<Carrier>, newest: Arc<Newest>) {
    let (mut flow, mut in_vain, mut faults) = (Flow::default(), 0, 0);
    while let Some(params) = newest.subscription() {
        let Some(way) = carrier.ways.some_time().await else { return };
        let (request, id) = newest.own_request("subscriptions/listen", &params);
        let envelope = Envelope::of(&request);
        match carrier.post(&request, &envelope).await {
            Ok(response) if response.status().is_success() && is_stream(&response) => {
                (flow.heard, faults) = (false, 0);
                let _ = flow.pass_on(&carrier, response, &envelope, &mut Open::keeping(id)).await;
                in_vain = if flow.heard { 0 } else { in_vain };
            }
            Ok(response) if is_for_now(response.status()) && faults < FAULTS => {
                faults += 1;
                flow.heed(&response);
            }
            Ok(_) => return,
            Err(trouble) if trouble.may_pass() => {}
            Err(_) => carrier.ways.changed_from(&way).await,
        }
        tokio::time::sleep(flow.wait(in_vain)).await;
        in_vain += 1;
    }
}
