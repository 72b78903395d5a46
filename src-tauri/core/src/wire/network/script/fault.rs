//! Why a proxy script tells no way, in words.

/// A proxy script that tells no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFault {
    /// Where it is, without what may be private in that; absent where the network itself is to tell.
    pub address: Option<String>,
    /// Why.
    pub why: ScriptWhy,
}

/// Why a proxy script tells no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptWhy {
    /// Where it is was to be found out from the network itself (WPAD), which is not done.
    NoAddress,
    /// It cannot be had, and why not.
    Unreached(String),
    /// It is larger than any script should be.
    TooLarge,
    /// It fails, and what it fails with.
    Broken(String),
    /// It takes too long.
    Slow,
    /// It names no way that can be gone; what it says instead.
    NamesNothing(String),
}

impl ScriptFault {
    /// One sentence for people: what is the matter.
    pub fn sentence(&self) -> String {
        let at = self.address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
        match &self.why {
            ScriptWhy::NoAddress => {
                "Your computer is to find its proxy script in the network by itself, which Patchbay \
                                     does not do."
                    .to_owned()
            }
            ScriptWhy::Unreached(why) => format!("Your computer's proxy script{at} cannot be had: {why}."),
            ScriptWhy::TooLarge => format!("Your computer's proxy script{at} is larger than any should be."),
            ScriptWhy::Broken(words) if words.is_empty() => format!("Your computer's proxy script{at} is broken."),
            ScriptWhy::Broken(words) => format!("Your computer's proxy script{at} is broken: {words}."),
            ScriptWhy::Slow => format!("Your computer's proxy script{at} takes too long."),
            ScriptWhy::NamesNothing(said) => {
                format!("Your computer's proxy script{at} names no proxy that Patchbay can use: {said}.")
            }
        }
    }

    /// The next step, as a sentence.
    pub fn next_step(&self) -> &'static str {
        match self.why {
            ScriptWhy::NoAddress => {
                "Ask your IT department for the script's address or the proxy's, and set it in your computer's settings."
            }
            ScriptWhy::Unreached(_) => {
                "Are you in the network that it belongs to? You can also set the proxy in Patchbay's settings, under \
                 Network."
            }
            _ => "Tell your IT department, and set the proxy in Patchbay's settings, under Network.",
        }
    }
}
