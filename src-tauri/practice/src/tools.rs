//! The MCP server: four tools, each behind one permission.
//!
//! Who calls is in the request's extensions: [`crate::sign_in`] put the [`Caller`] there, after it checked the
//! permission named in [`NEEDS`].

use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ErrorData, ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

use crate::notes::{Note, Notes};
use crate::token::Caller;

const INSTRUCTIONS: &str =
    "This service is for practice. Its notes are made up, and its tokens are worth nothing anywhere else.";

/// The permission that each tool needs.
const NEEDS: &[(&str, &str)] = &[
    ("whoami", "profile:read"),
    ("list_notes", "notes:read"),
    ("add_note", "notes:write"),
    ("delete_note", "notes:write"),
];

/// The permission that a tool needs.
pub(crate) fn scope_of(tool: &str) -> Option<&'static str> {
    NEEDS.iter().find(|(name, _)| *name == tool).map(|(_, scope)| *scope)
}

/// The server's side of a conversation; all of them share the notes.
#[derive(Clone)]
pub(crate) struct Tools {
    notes: Arc<Notes>,
    router: Arc<ToolRouter<Self>>,
}

/// Whose token it is.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Profile {
    /// The token's name.
    name: String,
    /// What it allows.
    scopes: Vec<String>,
    /// When it ends.
    ends: String,
}

/// All notes.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct NoteList {
    notes: Vec<Note>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct NewNote {
    /// What the note says.
    text: String,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct NoteNumber {
    /// The note's number.
    id: u32,
}

#[tool_router]
impl Tools {
    pub(crate) fn new() -> Self {
        Self { notes: Arc::default(), router: Arc::new(Self::tool_router()) }
    }

    #[tool(
        description = "Tells whose token this is, what it allows and when it ends.",
        annotations(title = "Who am I", read_only_hint = true, open_world_hint = false)
    )]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> Result<Json<Profile>, ErrorData> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or_else(|| ErrorData::internal_error("The request has no token.", None))?;
        Ok(Json(Profile { name: caller.name, scopes: caller.scopes, ends: caller.ends.to_string() }))
    }

    #[tool(
        description = "Lists the practice notes.",
        annotations(title = "List notes", read_only_hint = true, open_world_hint = false)
    )]
    async fn list_notes(&self) -> Json<NoteList> {
        Json(NoteList { notes: self.notes.list() })
    }

    #[tool(
        description = "Adds a practice note.",
        annotations(title = "Add a note", read_only_hint = false, destructive_hint = false, open_world_hint = false)
    )]
    async fn add_note(&self, Parameters(NewNote { text }): Parameters<NewNote>) -> Result<Json<Note>, String> {
        self.notes.add(&text).map(Json)
    }

    #[tool(
        description = "Deletes a practice note for good.",
        annotations(title = "Delete a note", read_only_hint = false, destructive_hint = true, open_world_hint = false)
    )]
    async fn delete_note(&self, Parameters(NoteNumber { id }): Parameters<NoteNumber>) -> Result<Json<Note>, String> {
        self.notes.delete(id).map(Json)
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("Patchbay practice service", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::SCOPES;

    #[test]
    fn every_tool_needs_a_permission_that_exists() {
        let mut tools: Vec<_> = Tools::new().router.list_all().into_iter().map(|tool| tool.name).collect();
        let mut listed: Vec<_> = NEEDS.iter().map(|(name, _)| *name).collect();
        tools.sort();
        listed.sort_unstable();
        assert_eq!(tools, listed);
        assert!(NEEDS.iter().all(|(_, needed)| SCOPES.iter().any(|(id, _)| id == needed)));
    }
}
