//! The program `patchbay-bridge`, which `patchbay bridge` becomes: `patchbay-bridge VERSION` and the words after `bridge`.

use std::process::ExitCode;

use patchbay_cli::{bridge, print};
use patchbay_core::{Code, Error};

fn main() -> ExitCode {
    let begun = match bridge::handed_over() {
        Some((connection, url)) => bridge::start(connection.as_deref(), url.as_deref()),
        None => {
            let said = "This is a part of patchbay, which starts it.";
            Err(Error::new(Code::Usage, said).hint("See: patchbay bridge --help"))
        }
    };
    begun.unwrap_or_else(|error| print::failure(&error, false))
}
