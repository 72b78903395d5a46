//! What a check found, as a sentence for people: the cause, and one next step.
//!
//! The words are the window's: one file says them for both.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, to_value};

use super::{Cause, Explained, Mark, Report, Verdict};
use crate::connection::Grant;
use crate::error::Error;

/// The window's own file; `ui/src/i18n/words.ts` requires an entry for every verdict and cause.
static WORDS: LazyLock<Words> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../ui/src/i18n/check.json")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
struct Words {
    verdict: BTreeMap<String, Of>,
    cause: BTreeMap<String, Because>,
    /// Of a sign-in, in the place of what is said of a token.
    sign_in: BTreeMap<String, Because>,
    /// Of several secrets, by verdict, in the place of what is said of a token; `{all}` stands for what they are called.
    several: BTreeMap<String, Because>,
}

/// What is said of a verdict by itself.
#[derive(Debug, Deserialize)]
struct Of {
    say: String,
}

/// What is said of a cause, and what to do about it.
#[derive(Debug, Deserialize)]
struct Because {
    say: String,
    then: String,
}

/// How a refusal is explained where people sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfSignIn {
    /// There was a sign-in, and it is refused.
    Ended,
    /// There is none.
    None,
    /// There was one, and the user has signed out.
    Out,
    /// The same, of one that was made without a person at the service.
    OutOfOther,
}

impl OfSignIn {
    /// There was one of this way, and the user has signed out.
    pub(crate) fn out_of(grant: Grant) -> Self {
        if grant == Grant::AuthorizationCode { Self::Out } else { Self::OutOfOther }
    }
}

impl Report {
    /// The same, said of a sign-in and not of a token. Where nothing was sent, what the service says of that is left out.
    pub(crate) fn of_sign_in(mut self, which: OfSignIn) -> Self {
        if which != OfSignIn::Ended {
            self.detail = None;
            for layer in self.layers.iter_mut().filter(|layer| layer.mark == Mark::Failed) {
                layer.detail = None;
            }
        }
        let words = WORDS.sign_in.get(match which {
            OfSignIn::Ended => "ended",
            OfSignIn::None => "none",
            OfSignIn::Out => "out",
            OfSignIn::OutOfOther => "out_of_other",
        });
        self.explained = words.map(|words| Explained { say: words.say.clone(), then: words.then.clone() });
        self
    }

    /// The same, in the words of what went wrong.
    pub(crate) fn in_words_of(self, error: &Error) -> Self {
        let end = if error.message.ends_with('.') { "" } else { "." };
        let say = format!("{}{end}", error.message);
        Self { detail: None, explained: Some(Explained { say, then: error.hint.clone().unwrap_or_default() }), ..self }
    }

    /// The same, said of several secrets where one of them may be at fault: which one, the service does not tell. What is
    /// known of the service goes before.
    pub(crate) fn of_several(mut self, labels: &[String], hint: Option<&str>) -> Self {
        let words = WORDS.several.get(&key(to_value(self.verdict)));
        if let (Some(words), None, true) = (words, &self.explained, labels.len() > 1) {
            let all = labels.iter().map(|label| format!("“{label}”")).collect::<Vec<_>>().join(" or ");
            let said = |text: &String| text.replace("{all}", &all);
            let hint = hint.filter(|_| self.verdict == Verdict::NotAllowed);
            let then = std::iter::once(said(&words.then)).chain(hint.map(str::to_owned)).collect::<Vec<_>>().join(" ");
            self.explained = Some(Explained { say: said(&words.say), then });
        }
        self
    }

    /// Why it failed, or what there is to know of what went well; none where the verdict says it all.
    pub fn cause(&self) -> Option<Cause> {
        let with = |mark: Mark| self.layers.iter().find(|layer| layer.mark == mark && layer.cause.is_some());
        with(Mark::Failed).or_else(|| with(Mark::Warned)).and_then(|layer| layer.cause)
    }

    /// Whether the next step is to sign in.
    pub fn wants_sign_in(&self) -> bool {
        let ended = |own: &Explained| WORDS.sign_in.get("ended").is_some_and(|words| words.say == own.say);
        self.verdict == Verdict::NeedsBrowserSignIn || self.explained.as_ref().is_some_and(ended)
    }

    /// What it means, in words for people: the cause and one next step.
    pub fn sentence(&self) -> String {
        match (&self.explained, self.cause()) {
            (Some(own), _) => format!("{} {}", own.say, own.then),
            (None, Some(cause)) => of_cause(cause),
            (None, None) => of_verdict(self.verdict),
        }
    }
}

fn of_cause(cause: Cause) -> String {
    let words = WORDS.cause.get(&key(to_value(cause)));
    words.map_or_else(|| of_verdict(cause.verdict()), |words| format!("{} {}", words.say, words.then))
}

fn of_verdict(verdict: Verdict) -> String {
    WORDS.verdict.get(&key(to_value(verdict))).map(|words| words.say.clone()).unwrap_or_default()
}

fn key(value: serde_json::Result<Value>) -> String {
    value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
