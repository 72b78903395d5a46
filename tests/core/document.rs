//! Editing the apps' files: what typical files look like afterwards, and what is refused.

#[path = "document_apps.rs"]
mod apps;
#[path = "document_fuzz.rs"]
mod fuzz;
#[path = "document_generate.rs"]
mod generate;
#[path = "document_json.rs"]
mod json;
#[path = "document_json_laws.rs"]
mod json_laws;
#[path = "../fuzz/law.rs"]
mod law;
#[path = "document_toml.rs"]
mod toml;
#[path = "document_toml_laws.rs"]
mod toml_laws;
#[path = "document_traps.rs"]
mod traps;
#[path = "document_yaml.rs"]
mod yaml;
#[path = "document_yaml_laws.rs"]
mod yaml_laws;

use patchbay_core::document::{Document, DocumentError, Edit, Format, JsonDialect, splice};
use serde_json::Value;

const STRICT: Format = Format::Json(JsonDialect::STRICT);
const JSONC: Format = Format::Json(JsonDialect::JSONC);

fn parse(text: &str, format: Format) -> Document {
    Document::parse(text.as_bytes(), format).expect("the example is well-formed")
}

fn refusal(text: &str, format: Format) -> DocumentError {
    Document::parse(text.as_bytes(), format).expect_err("the example is malformed")
}

fn applied(text: &str, edits: &[Edit]) -> String {
    String::from_utf8(splice(text.as_bytes(), edits)).expect("edits keep text text")
}

fn after_set(text: &str, format: Format, table: &[&str], key: &str, value: &Value) -> String {
    applied(text, &parse(text, format).set(table, key, value).expect("the entry can be set"))
}

fn after_remove(text: &str, format: Format, table: &[&str], key: &str) -> String {
    applied(text, &parse(text, format).remove(table, key).expect("the entry can be removed"))
}

/// Sets an entry that is not there, and checks that taking it out again gives the same bytes.
fn there_and_back(text: &str, format: Format, table: &[&str], key: &str, value: &Value) -> String {
    let with = after_set(text, format, table, key, value);
    assert_eq!(after_remove(&with, format, table, key), text, "taken out again");
    with
}
