//! Checks JSON against the few words of JSON Schema that `catalog/schema.json` uses.
//!
//! A word that is not known here fails the test, so the schema cannot promise what nobody checks.

use serde_json::Value;

/// A schema with its definitions.
pub(crate) struct Schema(Value);

impl Schema {
    /// Reads a schema.
    pub(crate) fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("the schema is JSON"))
    }

    /// What is wrong with a value, each with its place.
    pub(crate) fn check(&self, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.visit(&self.0, value, "", &mut wrong);
        wrong
    }

    /// A definition by name, references followed.
    pub(crate) fn definition<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(name) => self.0.pointer(name.trim_start_matches('#')).expect("the definition is there"),
            None => schema,
        }
    }

    /// The schema of a whole file.
    pub(crate) fn root(&self) -> &Value {
        self.definition(&self.0)
    }

    fn visit(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        for (word, rule) in schema.as_object().expect("a schema is an object") {
            let fits = match word.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    self.visit(self.definition(schema), value, at, wrong);
                    true
                }
                "type" => rule.as_array().map_or_else(|| is(rule, value), |any| any.iter().any(|one| is(one, value))),
                "enum" => rule.as_array().expect("a list").contains(value),
                "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= number(rule)),
                "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= number(rule)),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= number(rule)),
                "minimum" => value.as_u64().is_none_or(|n| n >= number(rule)),
                "maximum" => value.as_u64().is_none_or(|n| n <= number(rule)),
                "uniqueItems" => {
                    value.as_array().is_none_or(|all| all.iter().enumerate().all(|(n, item)| !all[..n].contains(item)))
                }
                "required" => rule.as_array().expect("a list").iter().all(|key| value.get(text(key)).is_some()),
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    items.for_each(|(n, item)| self.visit(rule, item, &format!("{at}/{n}"), wrong));
                    true
                }
                "properties" | "additionalProperties" => {
                    self.visit_keys(schema, word, value, at, wrong);
                    true
                }
                other => panic!("the schema uses {other}, which nobody checks"),
            };
            if !fits {
                wrong.push(format!("{at}: {word} {rule}"));
            }
        }
    }

    fn visit_keys(&self, schema: &Value, word: &str, value: &Value, at: &str, wrong: &mut Vec<String>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{key}");
            match (schema.get("properties").and_then(|known| known.get(key)), &schema[word]) {
                (Some(rule), _) if word == "properties" => self.visit(rule, value, &at, wrong),
                (None, Value::Bool(false)) => wrong.push(format!("{at}: no such key")),
                (None, rule) if word == "additionalProperties" => self.visit(rule, value, &at, wrong),
                _ => {}
            }
        }
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match text(kind) {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}
