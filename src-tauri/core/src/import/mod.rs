//! Bringing in what stands in the apps' files already: which entries mean the same service, which tokens lie in them in
//! plain text, and what they would become. Pure: nothing here reads a file or a keychain.

mod argv;
mod group;
mod held;
mod read;
mod rewire;

pub(crate) use group::{Becomes, Found, Member, Stands, Token, find};
pub(crate) use read::ENVS;
pub(crate) use rewire::{run_parts, run_value, with_carried, with_run, without_run};
