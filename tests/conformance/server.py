"""A server made with `fastmcp`: `server.py http|sse|newest|bearer|oauth PORT`, on this computer alone.

`http` speaks all generations over Streamable HTTP, `sse` speaks 2024-11-05 on a stream of its own, and `newest` refuses
whatever does not name the newest revision, as a server does that speaks nothing else.
`bearer` wants a token, and `oauth` a sign-in at its own authorization server, whose access tokens last three seconds.
"""

import json
import sys

import mcp_types
import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.server.auth import StaticTokenVerifier
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers import in_memory

server = FastMCP("real")


@server.tool
async def add(a: int, b: int) -> int:
    return a + b


@server.tool
async def count(to: int, ctx: Context) -> str:
    for at in range(to):
        await ctx.report_progress(at + 1, to)
    return "counted"


@server.tool
async def who(ctx: Context) -> str:
    answer = await ctx.elicit("Who are you?", response_type=str)
    return f"{answer.action} {answer.data}"


@server.tool
async def ask(ctx: Context) -> str | mcp_types.InputRequiredResult:
    if ctx.input_responses is None:
        schema = {"type": "object", "properties": {"name": {"type": "string"}}}
        question = mcp_types.ElicitRequest(
            params=mcp_types.ElicitRequestFormParams(message="Who?", requested_schema=schema)
        )
        return mcp_types.InputRequiredResult(input_requests={"name": question}, request_state="it is \u00e9 secret")
    return f"{ctx.input_responses['name'].content['name']} {ctx.request_state}"


@server.tool
async def learn(ctx: Context) -> str | mcp_types.InputRequiredResult:
    await ctx.info("on the way")
    if ctx.input_responses is None:
        prompt = mcp_types.SamplingMessage(role="user", content=mcp_types.TextContent(type="text", text="Say."))
        sampling = mcp_types.CreateMessageRequest(
            params=mcp_types.CreateMessageRequestParams(messages=[prompt], max_tokens=5)
        )
        wants = {"model": sampling, "folders": mcp_types.ListRootsRequest()}
        return mcp_types.InputRequiredResult(input_requests=wants)
    said = ctx.input_responses
    return f"{said['model'].content.text} {said['folders'].roots[0].name}"


def newest_only(app):
    """Refuses older generations with the error of the newest."""

    async def guarded(scope, receive, send):
        headers = dict(scope.get("headers", []))
        if scope["type"] != "http" or headers.get(b"mcp-protocol-version") == b"2026-07-28":
            return await app(scope, receive, send)
        error = {"code": -32022, "message": "Unsupported", "data": {"supported": ["2026-07-28"], "requested": ""}}
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 400, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return guarded


def door(kind, port):
    """Who is let in."""
    if kind == "bearer":
        return StaticTokenVerifier({"a-token-for-the-tests": {"client_id": "tests", "scopes": []}})
    if kind == "oauth":
        in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = 3
        return in_memory.InMemoryOAuthProvider(
            base_url=f"http://127.0.0.1:{port}",
            client_registration_options=ClientRegistrationOptions(enabled=True),
            revocation_options=RevocationOptions(enabled=True),
        )
    return None


kind, port = sys.argv[1], int(sys.argv[2])
server.auth = door(kind, port)
app = server.http_app(transport="sse" if kind == "sse" else "http")
uvicorn.run(newest_only(app) if kind == "newest" else app, host="127.0.0.1", port=port, log_level="error", lifespan="on")
