//! Tool parameters that a server of the newest generation wants repeated in headers (`x-mcp-header`).
//!
//! What it wants stands in its answers to `tools/list`. A tool whose wishes break the rules is left out of the answer, as
//! the specification says, and so is never called.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use patchbay_core::wire::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::envelope::header_text;
use crate::object::Object;

const MARK: &str = "x-mcp-header";
/// The largest whole number that every server reads as it was written.
const MOST_SAFE: u64 = (1 << 53) - 1;
#[expect(clippy::cast_precision_loss, reason = "it is exact")]
const MOST_SAFE_FLOAT: f64 = MOST_SAFE as f64;
/// Where a schema holds values instead of schemas.
const VALUES: [&str; 4] = ["default", "examples", "enum", "const"];

/// A parameter and its header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirror {
    header: HeaderName,
    path: Vec<String>,
}

/// The tools seen so far that have such parameters.
#[derive(Debug, Default)]
pub(crate) struct Mirrors(Mutex<HashMap<String, Vec<Mirror>>>);

impl Mirrors {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<Mirror>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from an answer to `tools/list`; the answer without unfit tools, where it has any.
    pub(crate) fn learn(&self, answer: &[u8]) -> Option<Bytes> {
        let mut whole = Object::of(answer)?;
        let result = whole.object("result");
        let tools: Vec<&RawValue> = serde_json::from_str(result.get("tools")?).ok()?;
        let fit: Vec<&str> = tools.iter().map(|tool| tool.get()).filter(|tool| self.take(tool)).collect();
        if fit.len() == tools.len() {
            return None;
        }
        let list = format!("[{}]", fit.join(","));
        let mut result = Object::of(whole.get("result")?.as_bytes())?;
        result.set("tools", list);
        let result = result.to_string();
        whole.set("result", result);
        Some(whole.to_string().into())
    }

    /// Notes a tool's wishes; whether they are fit.
    fn take(&self, tool: &str) -> bool {
        let tool: Value = if tool.contains(MARK) {
            serde_json::from_str(tool).unwrap_or_default()
        } else {
            return Object::of(tool.as_bytes()).and_then(|tool| tool.text("name")).is_none_or(|name| {
                self.known().remove(&name);
                true
            });
        };
        let name = tool["name"].as_str().unwrap_or_default();
        match wishes(&tool["inputSchema"]) {
            Ok(mirrors) => self.known().insert(name.to_owned(), mirrors),
            Err(reason) => {
                tracing::warn!(tool = name, "a tool is left out: {reason}");
                return false;
            }
        };
        true
    }

    /// The headers that a call of a tool wants.
    pub(crate) fn headers(&self, call: &[u8]) -> HeaderMap {
        let known = self.known();
        if known.is_empty() {
            return HeaderMap::new();
        }
        let call = Object::of(call).unwrap_or_default();
        let params = call.object("params");
        let mirrors = params.text("name").and_then(|name| known.get(&name)).map(Vec::as_slice).unwrap_or_default();
        let arguments = params.get("arguments").unwrap_or_default();
        mirrors.iter().filter_map(|mirror| Some((mirror.header.clone(), value(arguments, &mirror.path)?))).collect()
    }
}

/// The header's value for what stands at a path; none where nothing stands there that a header could repeat.
fn value(arguments: &str, path: &[String]) -> Option<HeaderValue> {
    let [first, rest @ ..] = path else { return HeaderValue::from_str(&header_text(&plain(arguments)?)).ok() };
    value(Object::of(arguments.as_bytes())?.get(first)?, rest)
}

fn plain(json: &str) -> Option<String> {
    match serde_json::from_str(json).ok()? {
        Value::String(text) => Some(text),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) if number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= MOST_SAFE) => {
            Some(number.to_string())
        }
        // `42.0` is the whole number 42.
        Value::Number(number) => {
            let whole = number.as_f64().filter(|whole| whole.fract() == 0.0 && whole.abs() <= MOST_SAFE_FLOAT);
            whole.map(|whole| format!("{whole:.0}"))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a tool's schema wishes, or which rule it breaks.
fn wishes(schema: &Value) -> Result<Vec<Mirror>, &'static str> {
    let mut found = Found::default();
    found.look(schema, Some(&[]))?;
    Ok(found.mirrors)
}

#[derive(Default)]
struct Found {
    mirrors: Vec<Mirror>,
    names: HashSet<String>,
}

impl Found {
    /// Looks through a schema. `path` leads to it by `properties` alone, or is none.
    fn look(&mut self, schema: &Value, path: Option<&[String]>) -> Result<(), &'static str> {
        match schema {
            Value::Array(parts) => parts.iter().try_for_each(|part| self.look(part, None)),
            Value::Object(keys) => {
                if let Some(mark) = keys.get(MARK) {
                    self.note(mark, schema.get("type"), path)?;
                }
                keys.iter().try_for_each(|(key, below)| self.look_below(key, below, path))
            }
            _ => Ok(()),
        }
    }

    fn look_below(&mut self, key: &str, below: &Value, path: Option<&[String]>) -> Result<(), &'static str> {
        if VALUES.contains(&key) {
            return Ok(());
        }
        match (key, below) {
            ("properties", Value::Object(properties)) => properties.iter().try_for_each(|(name, schema)| {
                let path = path.map(|path| [path, std::slice::from_ref(name)].concat());
                self.look(schema, path.as_deref())
            }),
            _ => self.look(below, None),
        }
    }

    fn note(&mut self, mark: &Value, kind: Option<&Value>, path: Option<&[String]>) -> Result<(), &'static str> {
        let path = path.filter(|path| !path.is_empty()).ok_or("its parameter is not reached by properties alone")?;
        let name = mark.as_str().filter(|name| !name.is_empty()).ok_or("a header has no name")?;
        let header = HeaderName::try_from(format!("mcp-param-{name}")).map_err(|_| "a header's name is unfit")?;
        if !is_primitive(kind.unwrap_or(&Value::Null)) {
            return Err("its parameter is no text, whole number or truth value");
        }
        if !self.names.insert(name.to_ascii_lowercase()) {
            return Err("two parameters want the same header");
        }
        self.mirrors.push(Mirror { header, path: path.to_vec() });
        Ok(())
    }
}

/// A primitive type, or one that may be absent as well.
fn is_primitive(kind: &Value) -> bool {
    let primitive = |kind: &Value| matches!(kind.as_str(), Some("string" | "integer" | "boolean"));
    let absent = |kind: &Value| kind == "null";
    match kind {
        Value::Array(kinds) => kinds.iter().any(primitive) && kinds.iter().all(|kind| primitive(kind) || absent(kind)),
        one => primitive(one),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(schema: &Value) -> Result<Vec<String>, &'static str> {
        Ok(wishes(schema)?.iter().map(|mirror| format!("{} {}", mirror.header, mirror.path.join("/"))).collect())
    }

    #[test]
    fn a_wish_is_found_where_properties_alone_lead() {
        let schema = json!({"properties": {
            "a": {"type": "string", MARK: "Region"},
            "b": {"type": "object", "properties": {"c": {"type": ["integer", "null"], MARK: "Deep"}}},
            MARK: {"type": "string", "default": {MARK: ""}},
        }});
        assert_eq!(paths(&schema), Ok(vec!["mcp-param-region a".to_owned(), "mcp-param-deep b/c".to_owned()]));
    }

    #[test]
    fn a_wish_that_breaks_a_rule_is_none() {
        let fit = json!({"type": "string", MARK: "X"});
        for schema in [
            json!({"properties": {"a": {"type": "number", MARK: "X"}}}),
            json!({"properties": {"a": {"type": "string", MARK: 7}}}),
            json!({"properties": {"a": {"type": "string", MARK: "a b"}}}),
            json!({"properties": {"a": {"type": "string", MARK: "x"}, "b": fit}}),
            json!({"properties": {"a": {"type": "array", "items": fit}}}),
            json!({"anyOf": [{"properties": {"a": fit}}]}),
            json!({"$defs": {"a": fit}}),
            json!({"type": "string", MARK: "X"}),
        ] {
            assert!(paths(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn values_are_written_as_the_specification_says() {
        let arguments = r#"{"t":" a","n":42.0,"m":-7,"z":null,"o":{"d":true},"big":9007199254740993,"f":1.5,"l":[]}"#;
        let header = |path: &[&str]| {
            let path: Vec<_> = path.iter().map(|&name| name.to_owned()).collect();
            value(arguments, &path).map(|value| value.to_str().expect("text").to_owned())
        };
        let cases = [
            (&["t"][..], Some("=?base64?IGE=?=")),
            (&["n"], Some("42")),
            (&["m"], Some("-7")),
            (&["o", "d"], Some("true")),
        ];
        for (path, expected) in cases {
            assert_eq!(header(path).as_deref(), expected, "{path:?}");
        }
        for path in [&["z"][..], &["big"], &["f"], &["l"], &["o"], &["none"], &["t", "d"]] {
            assert_eq!(header(path), None, "{path:?}");
        }
    }

    #[test]
    fn an_unfit_tool_goes_and_the_others_stay_as_they_are() {
        let mirrors = Mirrors::default();
        let fit = r#"{"name":"fit","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}},"x":1e400}"#;
        let plain = r#"{"name":"plain",  "inputSchema":{}}"#;
        let unfit = r#"{"name":"unfit","inputSchema":{"x-mcp-header":""}}"#;
        let list = |tools: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}],"ttlMs":1.0}}}}"#);
        let fit = fit.replace("1e400", "1");
        assert_eq!(mirrors.learn(list(&format!("{fit},{plain}")).as_bytes()), None);
        let left = mirrors.learn(list(&format!("{unfit},{fit}, {plain}")).as_bytes()).expect("another answer");
        assert_eq!(String::from_utf8_lossy(&left), list(&format!("{fit},{plain}")));
        let call = br#"{"params":{"name":"fit","arguments":{"a":"b"}}}"#;
        assert_eq!(mirrors.headers(call).get("mcp-param-a").map(HeaderValue::as_bytes), Some(&b"b"[..]));
        mirrors.learn(list(r#"{"name":"fit"}"#).as_bytes());
        assert!(mirrors.headers(call).is_empty(), "a tool may change its mind");
    }
}
