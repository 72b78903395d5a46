//! The program `patchbay-bridge`, which `patchbay bridge` becomes: `patchbay-bridge VERSION` and the words after `bridge`.

use std::process::ExitCode;

use patchbay_cli::{bridge, print};
use patchbay_core::{Code, Error};

fn main() -> ExitCode {
    let Some((connection, url)) = bridge::handed_over() else {
        let said = "This is a part of patchbay, which starts it.";
        return print::failure(&Error::new(Code::Usage, said).hint("See: patchbay bridge --help"), false);
    };
    let begun = bridge::start(connection.as_deref(), url.as_deref());
    begun.unwrap_or_else(|error| print::failure(&error, false))
}
