//! Sign-ins that are bound to a key: Patchbay alone can send them, so they are lent to no app and shown as what nobody else
//! can use.

use patchbay_core::Code;
use patchbay_core::api::SignInWith;
use patchbay_core::api::message::{Answer, Connect, Place, Request};
use patchbay_core::connection::Wiring;
use patchbay_core::probe::Verdict;

use super::{ID, User, signing};
use crate::api::{World, original, place};
use crate::oauth::bound::{Rules, Service};

/// By itself, with what it asks Patchbay for.
fn by_itself() -> Place {
    Place { wiring: Some(Wiring::HeadersHelper), ..place("claude-code") }
}

impl World {
    fn at(&self, service: &Service, places: Vec<Place>) -> Connect {
        let settings = [("url".to_owned(), service.url())].into();
        Connect { provider: "custom".to_owned(), settings, places, ..self.tokenless() }
    }

    async fn text(&self, request: Request) -> String {
        let Ok(Answer::Text(text)) = self.do_it(request).await else { panic!("no text") };
        text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_app_is_set_up_to_send_one_by_itself_whether_before_the_sign_in_or_after() {
    let (service, (world, _)) = (Service::start(Rules::default()).await, signing(User::Allows).await);
    let request = |places| Request::ConnectSignedIn {
        connect: world.at(&service, places),
        with: SignInWith::default(),
        expected: None,
    };
    let refused = world.do_it(request(vec![by_itself()])).await.expect_err("refused");
    assert_eq!((refused.code, refused.field.as_deref()), (Code::WiringUnsupported, Some("app")));
    assert!(refused.message.contains("Claude Code") && refused.hint.is_some_and(|hint| hint.contains("bridge")));
    assert_eq!((world.files(), world.secrets(), world.snapshot().connections.len()), (original(), 0, 0));

    world.do_it(request(vec![place("claude-code")])).await.expect("it goes through Patchbay");
    let before = world.files();
    let places = Request::Place { id: ID.into(), places: vec![by_itself()], expected: None };
    assert_eq!(world.do_it(places).await.expect_err("refused").code, Code::WiringUnsupported);
    assert_eq!(world.files(), before);
    assert_eq!(world.verdict().await, Verdict::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_for_others_shows_none_that_they_could_not_use() {
    for (is_bound, gives) in [(true, "DPoP"), (false, "Bearer")] {
        let service = Service::start(Rules { gives, ..Rules::default() }).await;
        let (world, _) = signing(User::Allows).await;
        world.connect(world.at(&service, vec![by_itself()]), None).await.expect("it connects");
        world.sign_in().await.expect("signed in");
        assert_eq!(world.view().tokens[0].sign_in.as_ref().expect("signed in").bound, is_bound);
        let curl = world.text(Request::Curl { id: ID.into() }).await;
        assert!(curl.contains(&service.url()), "{curl}");
        assert_eq!(curl.contains("Authorization: Bearer $TOKEN"), !is_bound, "{curl}");
        assert_eq!(curl.contains("$TOKEN"), !is_bound, "{curl}");
        let snippet = world.text(Request::Snippet { id: ID.into(), client: "claude-code".into() }).await;
        assert_eq!(snippet.contains("\"bridge\""), is_bound, "the way that works: {snippet}");
    }
}
