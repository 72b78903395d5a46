//! The program `patchbay-bridge`, which `patchbay bridge` becomes: `patchbay-bridge CONNECTION` or `patchbay-bridge --url URL`.

use std::process::ExitCode;

use patchbay_cli::{bridge, print};
use patchbay_core::{Code, Error};

fn main() -> ExitCode {
    let words: Result<Vec<String>, _> = std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect();
    let begun =
        match words.as_deref() {
            Ok([flag, url]) if flag == "--url" => bridge::start(None, Some(url)),
            Ok([connection]) if !connection.starts_with('-') => bridge::start(Some(connection), None),
            _ => Err(Error::new(Code::Usage, "This is a part of patchbay, which starts it.")
                .hint("See: patchbay bridge --help")),
        };
    begun.unwrap_or_else(|error| print::failure(&error, false))
}
