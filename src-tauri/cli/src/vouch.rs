//! Who vouches for the user, as it is asked for on the command line: `--company`, `--assertion-file`.

use std::path::PathBuf;

use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Company, OwnClient, USUAL_PORT, Voucher};
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error, Result};

use crate::input::from_stdin;
use crate::print;

/// Somebody who vouches for the user, where nobody signs in at the service itself.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct VouchArgs {
    /// Sign in through your company: the address of its identity provider.
    #[arg(long, value_name = "URL", requires = "company_client_id", conflicts_with_all = ["grant", "assertion_file", "assertion_stdin"])]
    pub(crate) company: Option<String>,
    /// The client that your company made for Patchbay at its identity provider.
    #[arg(long, value_name = "ID", requires = "company")]
    pub(crate) company_client_id: Option<String>,
    /// Read that client's secret from standard input.
    #[arg(long, requires = "company")]
    pub(crate) company_client_secret_stdin: bool,
    /// Read your ID token of the company from standard input, instead of signing in there with your browser. Several
    /// secrets are a line each: the client's, that of the client at the company, the token.
    #[arg(long, requires = "company")]
    pub(crate) company_token_stdin: bool,
    /// Sign in by the proof (JWT) that the platform writes to this file; it is read anew at every renewal.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["grant", "assertion_stdin"])]
    pub(crate) assertion_file: Option<PathBuf>,
    /// Sign in by a proof (JWT) from standard input.
    #[arg(long, conflicts_with = "grant")]
    pub(crate) assertion_stdin: bool,
}

/// What came from standard input, by what it is for. Where several are asked for, each is a line, in this order.
struct Secrets {
    client: Option<Secret>,
    company_client: Option<Secret>,
    proof: Option<Secret>,
}

impl VouchArgs {
    fn takes_proof(&self) -> bool {
        self.company_token_stdin || self.assertion_stdin
    }

    /// Reads the secrets that are asked for: the service's client's, and who vouches. `way` is how one signs in where
    /// nobody vouches.
    ///
    /// # Errors
    /// The company's address is none, before anything is said or read; what was read is not what was asked for.
    pub(crate) fn read(
        self,
        client: Option<&str>,
        client_secret_stdin: bool,
        way: Grant,
    ) -> Result<(Option<Secret>, Option<Voucher>)> {
        if let Some(company) = &self.company {
            Endpoint::new(company).map_err(|error| error.field("company"))?;
        }
        let at_company = self.company.is_some() && !self.company_token_stdin;
        let at_service = client.is_some() && way == Grant::AuthorizationCode && !self.is_any();
        if at_company || at_service {
            let said = "This address has to stand with the client";
            print::notice(&format!("{said}: http://127.0.0.1:{USUAL_PORT}/callback"));
        }
        let asked = [client_secret_stdin, self.company_client_secret_stdin, self.takes_proof()];
        let secrets = Secrets::read(asked)?;
        let proof = secrets.proof;
        let voucher = if let Some(issuer) = self.company {
            let id = self.company_client_id.unwrap_or_default();
            let client = OwnClient { id, secret: secrets.company_client };
            Some(Voucher::Company(Company { issuer, client, id_token: proof }))
        } else if self.assertion_stdin {
            proof.map(Voucher::Assertion)
        } else {
            self.assertion_file.map(Voucher::File)
        };
        Ok((secrets.client, voucher))
    }

    pub(crate) fn is_any(&self) -> bool {
        self.company.is_some() || self.assertion_file.is_some() || self.assertion_stdin
    }
}

impl Secrets {
    fn read(asked: [bool; 3]) -> Result<Self> {
        const NAMES: [&str; 3] = ["client's secret", "company's client's secret", "proof"];
        let names: Vec<_> = NAMES.into_iter().zip(asked).filter(|(_, asked)| *asked).map(|(name, _)| name).collect();
        let mut given = match names.len() {
            0 => Vec::new(),
            // A line's end is none of it, but a private key has several.
            1 => vec![only(names[0])?],
            _ => lines(&names)?,
        }
        .into_iter();
        let mut next = |asked: bool| asked.then(|| given.next()).flatten();
        Ok(Self { client: next(asked[0]), company_client: next(asked[1]), proof: next(asked[2]) })
    }
}

fn only(name: &str) -> Result<Secret> {
    let given = Secret::new(from_stdin(name)?.expose().trim());
    if given.is_empty() {
        return Err(Error::new(Code::TokenEmpty, format!("Standard input is empty, and the {name} is asked for."))
            .hint("Write it to standard input."));
    }
    Ok(given)
}

/// A secret a line, as many as are asked for.
fn lines(names: &[&str]) -> Result<Vec<Secret>> {
    let all = from_stdin(&format!("{}, a line each", names.join(", ")))?;
    let given: Vec<_> = all.expose().lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect();
    if given.len() != names.len() {
        let said = format!("Standard input has {} lines, and {} are asked for.", given.len(), names.len());
        return Err(
            Error::new(Code::Usage, said).hint(format!("Write a line each, in this order: {}.", names.join(", ")))
        );
    }
    Ok(given)
}
