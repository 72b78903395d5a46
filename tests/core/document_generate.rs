//! Strategies for texts as people and programs leave them behind.

use patchbay_core::document::JsonDialect;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Names that need quoting, look like something else, or look alike.
pub(super) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        1 => prop::sample::select(vec![
            "", " ", "a.b", "a\"b", "'", "\\", "/", "//", "/* x */", "#", "[x]", "😀", "\u{200f}rtl", "é", "e\u{301}", "\t", "\r\n",
            "\u{1}", "\u{7f}", "true", "1", "1.5", "__proto__", "mcp_servers", "mcpServers",
            "servers", "context_servers", ",", "}", "=", "\u{feff}", "\u{a0}",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| text.chars().take(4).collect()),
    ]
}

/// Values that JSON and TOML both have.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![0.5, -1.0, 1e21, 1.5e-7]).prop_map(Value::from),
        key().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::Array), object_of(inner)]
    })
}

/// An object of such values.
pub(super) fn object() -> impl Strategy<Value = Value> {
    object_of(value())
}

fn object_of(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((key(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// An endless row of choices, replayed from a few bytes.
pub(super) struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.push(0);
        Self { bytes, at: 0 }
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.at += 1;
        let turn = self.at / self.bytes.len();
        from[(usize::from(self.bytes[self.at % self.bytes.len()]) + turn) % from.len()]
    }

    pub(super) fn flip(&mut self) -> bool {
        self.pick(&["", "x"]) == "x"
    }
}

pub(super) fn choices() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

/// How a generated text is written.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub(super) mark: bool,
    pub(super) crlf: bool,
    /// Trailing commas only where there may be comments: no app takes the one without the other.
    pub(super) dialect: JsonDialect,
    pub(super) choices: Vec<u8>,
}

pub(super) fn manner(comments: impl Strategy<Value = bool>) -> impl Strategy<Value = Manner> {
    (any::<bool>(), any::<bool>(), comments, any::<bool>(), choices()).prop_map(
        |(mark, crlf, comments, trailing, choices)| {
            let dialect = JsonDialect { comments, trailing_commas: comments && trailing };
            Manner { mark, crlf, dialect, choices }
        },
    )
}

impl Manner {
    /// The text with its mark and its line ends.
    pub(super) fn finish(&self, text: &str) -> String {
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
        format!("{}{text}", if self.mark { "\u{feff}" } else { "" })
    }
}

/// Writes a value as JSON with the wildest white space that the manner allows, or as a program would.
pub(super) fn json_text(value: &Value, manner: &Manner) -> String {
    let mut choices = Choices::new(manner.choices.clone());
    let mut out = String::new();
    if choices.flip() {
        out = serde_json::to_string_pretty(value).expect("a value can be written");
        let indent = choices.pick(&["  ", "    ", "\t"]).to_owned();
        let reindented = out.lines().map(|line| {
            let depth = (line.len() - line.trim_start_matches(' ').len()) / 2;
            indent.repeat(depth) + line.trim_start_matches(' ')
        });
        out = reindented.collect::<Vec<_>>().join("\n");
    } else {
        let mut writer = JsonWriter { choices, dialect: manner.dialect, out: &mut out };
        writer.gap();
        writer.value(value);
        writer.gap();
    }
    manner.finish(&out)
}

struct JsonWriter<'a> {
    choices: Choices,
    dialect: JsonDialect,
    out: &'a mut String,
}

impl JsonWriter<'_> {
    fn gap(&mut self) {
        const BLANK: &[&str] = &["", "", " ", "\n", "\n  ", "\n\t", "  \n\n "];
        const COMMENTS: &[&str] = &[
            "",
            " ",
            "\n  ",
            "/* , } */",
            " // \" {\n",
            "\n// line */\n  ",
            "/**/ /*//*/\n",
            "// \u{a0}\u{a0}\n",
            " /* a\nb */ ",
        ];
        let gap = self.choices.pick(if self.dialect.comments { COMMENTS } else { BLANK });
        self.out.push_str(gap);
    }

    fn string(&mut self, text: &str) {
        let plain = Value::from(text).to_string();
        let escaped = plain.replace('a', "\\u0061").replace('/', "\\/").replace("é", "\\u00E9");
        let written = if self.choices.flip() { plain } else { escaped };
        self.out.push_str(&written);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                self.list('{', '}', map.iter().map(|(key, value)| (Some(key.as_str()), value)).collect());
            }
            Value::Array(items) => self.list('[', ']', items.iter().map(|value| (None, value)).collect()),
            Value::String(text) => self.string(text),
            scalar => self.out.push_str(&scalar.to_string()),
        }
    }

    fn list(&mut self, open: char, close: char, members: Vec<(Option<&str>, &Value)>) {
        self.out.push(open);
        let last = members.len().wrapping_sub(1);
        self.gap();
        for (index, (key, value)) in members.into_iter().enumerate() {
            if let Some(key) = key {
                self.string(key);
                self.gap();
                self.out.push(':');
                self.gap();
            }
            self.value(value);
            self.gap();
            if index != last || (self.dialect.trailing_commas && self.choices.flip()) {
                self.out.push(',');
                self.gap();
            }
        }
        self.out.push(close);
    }
}
