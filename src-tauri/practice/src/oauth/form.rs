//! Parameters, from an address or a form: each at most once, none over-long.

use super::fault::Fault;

const MOST_PARAMETERS: usize = 40;
const MOST_VALUE: usize = 4096;

/// Parameters by name.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads them, or refuses what could be read in two ways (RFC 6749 section 3.1).
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Result<Self, Fault> {
        let many = pairs.len() > MOST_PARAMETERS || pairs.iter().any(|(_, value)| value.len() > MOST_VALUE);
        if many {
            return Err(Fault::request("There is too much in this request."));
        }
        let twice = pairs.iter().enumerate().any(|(at, (name, _))| pairs[..at].iter().any(|(other, _)| other == name));
        if twice { Err(Fault::request("A parameter stands there twice.")) } else { Ok(Self(pairs)) }
    }

    /// A parameter; an empty one is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// A parameter that has to be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::request(format!("{name} is missing.")))
    }
}
