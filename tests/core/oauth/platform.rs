//! Signing in by a platform's word for who runs here.

use std::path::{Path, PathBuf};

use patchbay_core::Code;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Manner, OwnClient, Voucher, Want};
use patchbay_core::secret::Secret;
use serde_json::json;

use super::idp::{after, statement};
use super::service::{Rules, Service, field};
use super::{Kept, sign_in, want};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn service() -> Service {
    Service::start(Rules { grants: Some(vec![JWT_BEARER]), ..Rules::default() }).await
}

/// What the platform says; `number` makes each another.
fn proof(audience: &str, seconds: i64, number: u32) -> Secret {
    statement(&json!({ "iss": "https://platform.example", "sub": "job", "aud": [audience, "other"],
        "exp": after(seconds), "jti": number }))
}

fn by(service: &Service, voucher: Voucher) -> Want {
    Want { grant: Grant::Platform, voucher: Some(voucher), ..want(service) }
}

fn file(folder: &Path, proof: &Secret) -> PathBuf {
    let path = folder.join("token");
    std::fs::write(&path, format!("{}\n", proof.expose())).expect("written");
    path
}

#[tokio::test]
async fn the_platforms_proof_brings_a_token_for_the_service_and_its_permissions() {
    let service = service().await;
    let given = proof(&service.origin(), 60, 1);
    let client = Some(OwnClient { id: "job".to_owned(), secret: None });
    let wanted = Want { client, scopes: vec!["read".to_owned()], ..by(&service, Voucher::Assertion(given.clone())) };
    let signed = sign_in(&wanted, &Manner::default()).await.expect("signed in");
    assert_eq!((signed.sign_in.grant, signed.sign_in.voucher), (Grant::Platform, None));
    let asked = &service.asked("/token")[0];
    let of = |name: &str| field(asked, name).unwrap_or_default();
    assert_eq!((of("grant_type").as_str(), of("client_id").as_str()), (JWT_BEARER, "job"));
    assert_eq!(
        (of("assertion").as_str(), of("resource"), of("scope").as_str()),
        (given.expose(), service.url(), "read")
    );
}

#[tokio::test]
async fn a_service_that_knows_no_client_beside_it_is_told_of_none() {
    let service = service().await;
    let wanted = by(&service, Voucher::Assertion(proof(&service.origin(), 60, 1)));
    sign_in(&wanted, &Manner::default()).await.expect("signed in");
    assert_eq!(field(&service.asked("/token")[0], "client_id"), None);
}

#[tokio::test]
async fn the_platforms_file_is_read_anew_at_every_renewal() {
    let (service, folder) = (service().await, tempfile::tempdir().expect("a folder"));
    let path = file(folder.path(), &proof(&service.origin(), 60, 1));
    let kept = Kept::with(&by(&service, Voucher::File(path.clone()))).await;
    assert!(!kept.held().await.0.expose().contains("canary-signature"), "the file keeps it");
    let second = proof(&service.origin(), 60, 2);
    file(folder.path(), &second);
    kept.age(7200).await;
    kept.access(None).await.expect("another");
    assert_eq!(field(&service.asked("/token")[1], "assertion").as_deref(), Some(second.expose()));
}

#[tokio::test]
async fn a_proof_for_somebody_else_or_one_that_has_ended_is_not_sent() {
    let (service, folder) = (service().await, tempfile::tempdir().expect("a folder"));
    let cases = [
        (proof("https://other.example", 60, 1), Code::SignInRefused, Code::SignInRefused, "for somebody else"),
        (proof(&service.origin(), -60, 1), Code::SignInRefused, Code::Unreachable, "has ended"),
        (Secret::new("canary-no-proof"), Code::SignInRefused, Code::SignInRefused, "no proof of who you are"),
    ];
    for (given, once, in_file, why) in cases {
        let path = file(folder.path(), &given);
        for (voucher, code) in [(Voucher::Assertion(given.clone()), once), (Voucher::File(path), in_file)] {
            let failed = sign_in(&by(&service, voucher), &Manner::default()).await.expect_err("unfit");
            assert!(failed.code == code && failed.message.contains(why), "{why}: {failed}");
            assert!(failed.hint.is_some() && !format!("{failed:?}").contains(given.expose()));
        }
    }
    let missing = by(&service, Voucher::File(folder.path().join("none")));
    let failed = sign_in(&missing, &Manner::default()).await.expect_err("no file");
    assert!(failed.path.is_some(), "{failed}");
    assert_eq!(service.count("/token"), 0);
}

#[tokio::test]
async fn a_proof_given_once_needs_the_user_when_it_has_ended() {
    let service = service().await;
    let kept = Kept::with(&by(&service, Voucher::Assertion(proof(&service.origin(), 60, 1)))).await;
    kept.age(7200).await;
    kept.access(None).await.expect("still good");
    let mut bundle: serde_json::Value = serde_json::from_str(kept.held().await.0.expose()).expect("JSON");
    bundle["vouched"]["assertion"] = json!(proof(&service.origin(), -60, 1).expose());
    kept.store.write(&kept.key, &Secret::new(bundle.to_string())).await.expect("written");
    kept.age(7200).await;
    assert_eq!(kept.access(None).await.expect_err("ended").code, Code::SignInNeeded);
    assert_eq!(service.count("/token"), 2);
}

#[tokio::test]
async fn what_the_service_refuses_is_tried_again_only_with_something_new_in_the_file() {
    let (service, folder) = (service().await, tempfile::tempdir().expect("a folder"));
    let path = file(folder.path(), &proof(&service.origin(), 60, 1));
    let kept = Kept::with(&by(&service, Voucher::File(path))).await;
    kept.age(7200).await;
    service.change(|rules| rules.forgets = true);
    for _ in 0..3 {
        assert_eq!(kept.access(None).await.expect_err("refused").code, Code::SignInNeeded);
    }
    assert_eq!(service.count("/token"), 2, "it is asked once");
    service.change(|rules| rules.forgets = false);
    assert_eq!(kept.access(None).await.expect_err("the same").code, Code::SignInNeeded);
    file(folder.path(), &proof(&service.origin(), 60, 2));
    kept.access(None).await.expect("by itself");
    kept.age(7200).await;
    kept.access(None).await.expect("and again with the same");
}

#[tokio::test]
async fn a_file_that_is_late_needs_nobody_once_it_is_written() {
    let (service, folder) = (service().await, tempfile::tempdir().expect("a folder"));
    let path = file(folder.path(), &proof(&service.origin(), 60, 1));
    let kept = Kept::with(&by(&service, Voucher::File(path.clone()))).await;
    kept.age(7200).await;
    file(folder.path(), &proof(&service.origin(), -60, 2));
    assert_eq!(kept.access(None).await.expect_err("late").code, Code::Unreachable);
    std::fs::remove_file(&path).expect("removed");
    assert_ne!(kept.access(None).await.expect_err("gone").code, Code::SignInNeeded);
    file(folder.path(), &proof(&service.origin(), 60, 3));
    kept.access(None).await.expect("by itself");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_file_without_end_in_the_place_of_the_proof_is_refused_at_once() {
    let (service, folder) = (service().await, tempfile::tempdir().expect("a folder"));
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
    for (path, code) in [(pipe, Code::FileNotRegular), (PathBuf::from("/dev/zero"), Code::FileNotRegular)] {
        let asked = by(&service, Voucher::File(path.clone()));
        let manner = Manner::default();
        let failed = tokio::time::timeout(std::time::Duration::from_secs(5), sign_in(&asked, &manner));
        let failed = failed.await.expect("nobody is waited for").expect_err("no file");
        assert_eq!((failed.code, failed.path), (code, Some(path)));
    }
    let (target, link) = (file(folder.path(), &proof(&service.origin(), 60, 1)), folder.path().join("link"));
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    sign_in(&by(&service, Voucher::File(link)), &Manner::default()).await.expect("through a link");
}
