//! The MCP server: a few tools that depend on permissions, one of them harmless to call at any time.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::notes::Notes;
use crate::store::Token;

/// Name, what it does, its permission, whether it only reads, its arguments.
const TOOLS: &[(&str, &str, &str, bool, &str)] = &[
    ("whoami", "Tells whose token this is, what it allows and when it ends.", "profile:read", true, ""),
    ("list_notes", "Lists the practice notes.", "notes:read", true, ""),
    ("add_note", "Adds a practice note.", "notes:write", false, "text"),
    ("delete_note", "Deletes a practice note.", "notes:write", false, "id"),
];

/// The permission that a tool needs.
pub(crate) fn scope_of(tool: &str) -> Option<&'static str> {
    TOOLS.iter().find(|(name, ..)| *name == tool).map(|(_, _, scope, ..)| *scope)
}

/// The server's side of one conversation.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    notes: Notes,
}

impl Server {
    pub(crate) fn new(notes: Notes) -> Self {
        Self { notes }
    }

    fn run(&self, request: &CallToolRequestParams, token: Option<&Token>) -> Result<String, String> {
        let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        match request.name.as_ref() {
            "whoami" => {
                let token = token.ok_or("The request has no token.")?;
                Ok(format!("Token \"{}\" of the practice service; it allows {}; it ends {}.", token.name, token.scopes.join(", "), token.expires))
            }
            "list_notes" => {
                let lines: Vec<_> = self.notes.list().iter().map(|(id, text)| format!("{id}. {text}")).collect();
                Ok(if lines.is_empty() { "There are no notes.".to_owned() } else { lines.join("\n") })
            }
            "add_note" => {
                let text = argument("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
                Ok(format!("Added as note {}.", self.notes.add(text.ok_or("The note needs a text.")?)))
            }
            "delete_note" => {
                let id = argument("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
                let id = id.ok_or("Say which note by its number.")?;
                if self.notes.delete(id) { Ok(format!("Deleted note {id}.")) } else { Err(format!("There is no note {id}.")) }
            }
            other => Err(format!("There is no tool {other}.")),
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new("Patchbay practice service", env!("CARGO_PKG_VERSION"));
        info.instructions = Some("This service is for practice. Its notes are made up and its tokens are worth nothing elsewhere.".to_owned());
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.iter().map(tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<http::request::Parts>();
        let token = parts.and_then(|parts| parts.extensions.get::<Token>());
        let result = match self.run(&request, token) {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        };
        Ok(result.into())
    }
}

fn tool((name, about, _, reads, argument): &(&'static str, &'static str, &str, bool, &str)) -> Tool {
    let schema = match *argument {
        "" => json!({ "type": "object", "properties": {} }),
        "id" => json!({ "type": "object", "properties": { "id": { "type": "integer" } }, "required": ["id"] }),
        text => json!({ "type": "object", "properties": { text: { "type": "string" } }, "required": [text] }),
    };
    let schema = schema.as_object().cloned().unwrap_or_default();
    let annotations = ToolAnnotations::new().read_only(*reads).destructive(*name == "delete_note");
    Tool::new(Cow::Borrowed(*name), Cow::Borrowed(*about), Arc::new(schema)).with_annotations(annotations)
}
