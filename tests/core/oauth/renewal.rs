//! A token that is refused or ends is renewed: once, by one at a time, and kept.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::Code;
use patchbay_core::oauth;
use patchbay_core::secret::Secret;

use super::service::{Rules, Service};
use super::{Kept, want};

#[tokio::test]
async fn a_sign_in_brings_tokens_that_are_renewed_when_they_are_refused() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    assert_eq!(service.count("/token"), 1, "a token that is good is not renewed");
    let second = kept.access(Some(&first)).await.expect("another");
    assert_ne!(first, second);
    assert_eq!(kept.access(Some(&first)).await.expect("the same"), second, "what another brought is taken");
    assert_eq!(service.count("/token"), 2);
}

#[tokio::test]
async fn the_token_that_renews_is_kept_when_it_is_replaced() {
    let service = Service::start(Rules { lasts: Some(1), ..Rules::default() }).await;
    let kept = Kept::with(&want(&service)).await;
    for _ in 0..2 {
        let before = kept.access(None).await.expect("a token");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let after = kept.access(None).await.expect("another");
        assert!(before != after && service.takes(&after) && !service.was_revoked());
    }
}

#[tokio::test]
async fn a_service_that_refuses_what_it_has_just_given_is_not_asked_again_and_again() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    let second = kept.access(Some(&first)).await.expect("another");
    for _ in 0..3 {
        assert_eq!(kept.access(Some(&second)).await.expect("the same"), second);
    }
    assert_eq!(service.count("/token"), 2);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed_ahead_and_outlives_a_service_that_is_down() {
    let service = Service::start(Rules { lasts: Some(4), ..Rules::default() }).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    tokio::time::sleep(Duration::from_millis(3050)).await;
    service.change(|rules| rules.down = true);
    assert_eq!(kept.access(None).await.expect("still good"), first);
    let refused = kept.access(Some(&first)).await.expect_err("it is refused, and nobody gives another");
    assert_eq!(refused.code, Code::ServiceError);
    service.change(|rules| rules.down = false);
    assert_ne!(kept.access(None).await.expect("renewed ahead"), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_renewal_that_failed_the_good_token_is_sent_for_a_while_without_another_attempt() {
    let service = Service::start(Rules { lasts: Some(120), ..Rules::default() }).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    kept.age(100).await;
    service.change(|rules| rules.down = true);
    let now = jiff::Timestamp::now();
    let (same, until) =
        oauth::access_blocking(&kept.store, &kept.key, kept.folder.path(), &kept.endpoint, None).expect("still good");
    let wait = until.expect("it ends").duration_since(now).as_secs();
    assert_eq!(same.token, first);
    assert!((15..=20).contains(&wait), "no longer than it is good: {wait}");
}

#[tokio::test]
async fn many_that_were_refused_together_renew_once() {
    let service = Service::start(Rules { slow: Duration::from_millis(100), ..Rules::default() }).await;
    let kept = Arc::new(Kept::with(&want(&service)).await);
    let first = kept.access(None).await.expect("a token");
    let all = (0..20).map(|_| {
        let (kept, first) = (kept.clone(), first.clone());
        tokio::spawn(async move { kept.access(Some(&first)).await.expect("another") })
    });
    let mut brought = Vec::new();
    for one in all.collect::<Vec<_>>() {
        brought.push(one.await.expect("it ends"));
    }
    assert!(brought.iter().all(|token| *token == brought[0] && service.takes(token)));
    assert_eq!(service.count("/token"), 2, "one for the sign-in, one for all");
    assert!(!service.was_revoked());
}

#[tokio::test]
async fn a_renewal_whose_asker_goes_away_still_reaches_the_keychain() {
    let service = Service::start(Rules { slow: Duration::from_millis(300), ..Rules::default() }).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    let cut = tokio::time::timeout(Duration::from_millis(100), kept.access(Some(&first))).await;
    assert!(cut.is_err(), "it was cut off in the middle");
    assert_ne!(kept.access(Some(&first)).await.expect("another"), first);
    assert_eq!((service.count("/token"), service.was_revoked()), (2, false));
}

#[tokio::test]
async fn what_the_service_ended_needs_the_user_and_is_not_asked_again() {
    let service = Service::start(Rules::default()).await;
    let kept = Kept::with(&want(&service)).await;
    let first = kept.access(None).await.expect("a token");
    service.change(|rules| rules.forgets = true);
    for _ in 0..3 {
        assert_eq!(kept.access(Some(&first)).await.expect_err("ended").code, Code::SignInNeeded);
    }
    assert_eq!(service.count("/token"), 2);
}

#[tokio::test]
async fn who_signs_in_anew_during_a_renewal_keeps_the_new_sign_in() {
    let service = Service::start(Rules { slow: Duration::from_millis(300), ..Rules::default() }).await;
    let kept = Arc::new(Kept::with(&want(&service)).await);
    let first = kept.access(None).await.expect("a token");
    let (other, refused) = (kept.clone(), first.clone());
    let renewal = tokio::spawn(async move { other.access(Some(&refused)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let anew = Kept::with(&want(&service)).await.held().await;
    kept.store.write(&kept.key, &anew.0).await.expect("written");
    renewal.await.expect("it ends").expect("a token");
    assert_eq!(kept.held().await, anew);
}

#[tokio::test]
async fn who_signs_out_during_a_renewal_stays_signed_out_and_what_it_brought_is_revoked() {
    let service = Service::start(Rules { slow: Duration::from_millis(300), ..Rules::default() }).await;
    let kept = Arc::new(Kept::with(&want(&service)).await);
    let first = kept.access(None).await.expect("a token");
    let other = kept.clone();
    let renewal = tokio::spawn(async move { other.access(Some(&first)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    kept.store.delete(&kept.key).await.expect("deleted");
    assert_eq!(renewal.await.expect("it ends").expect_err("nobody is signed in").code, Code::TokenMissing);
    assert_eq!(kept.store.read(&kept.key).await.expect("it answers"), None);
    assert_eq!(service.count("/token"), 2, "it was renewed");
    assert!(service.secrets().iter().skip(2).all(|token| !service.takes(&Secret::new(token.as_str()))));
}
