// An app of the generation that the conformance suite names, at the stdio end of `patchbay bridge --url URL`.
//
// The suite starts it with the server's address as its last argument, and the scenario and the protocol's revision in the
// environment. It ends with 0 where the conversation went as an app expects. `PATCHBAY` is the program to start;
// `PATCHBAY_GENERATION=older` makes it an app of 2025-11-25 whatever the server speaks, so that the bridge has to translate.
// Where the bridge says that a sign-in is needed, it is made as a person would at a terminal, with `browser.mjs` for a
// browser, and the request is made once more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const NEWEST = '2026-07-28';
const OLDER = '2025-11-25';
const url = process.argv.at(-1);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT || '{}');
const named = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION || process.env.PATCHBAY_REVISION;
// A scenario of a draft or an extension is for no revision in particular.
const wanted = /^\d/.test(named) ? named : OLDER;
const version = process.env.PATCHBAY_GENERATION === 'older' && wanted >= NEWEST ? OLDER : wanted;
const isNewest = version >= NEWEST;
const clientInfo = { name: 'driver', version: '1.0.0' };
const capabilities = { roots: {}, sampling: {}, elicitation: {} };

const bridge = spawn(process.env.PATCHBAY, ['bridge', '--url', url], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map();
let nextId = 1;

function say(message) {
  bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

// The command that a person would run, with what the scenario gives them.
async function signIn() {
  const args = ['sign-in', '--url', url];
  const secret = context.client_secret ?? context.private_key_pem;
  const proof = context.idp_id_token ?? context.valid_jwt;
  if (context.client_id) args.push('--client-id', context.client_id);
  else args.push('--client-metadata-url', 'https://conformance-test.local/client-metadata.json');
  if (secret) args.push('--client-secret-stdin');
  if (context.idp_id_token) {
    args.push('--company', context.idp_issuer, '--company-client-id', context.idp_client_id, '--company-token-stdin');
  } else if (proof) args.push('--assertion-stdin');
  if (scenario.startsWith('auth/client-credentials-')) args.push('--grant', 'client-credentials');
  const program = spawn(process.env.PATCHBAY, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  program.stdin.end([secret, proof].filter(Boolean).join('\n'));
  return (await once(program, 'exit'))[0] === 0;
}

// The whole answer to a request: a result or an error. A person gives up at the third sign-in for one request.
async function ask(method, params = {}) {
  let answer = await askOnce(method, params);
  for (let tries = 0; answer.error?.data?.code === 'sign_in_needed' && tries < 3; tries++) {
    if (!(await signIn())) break;
    answer = await askOnce(method, params);
  }
  return answer;
}

function askOnce(method, params) {
  const id = nextId++;
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
  say({ id, method, params: isNewest ? { ...params, _meta: meta } : params });
  return new Promise((resolve) => waiting.set(id, resolve));
}

async function result(method, params) {
  const answer = await ask(method, params);
  if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

// What a person who accepts the form as it is would send.
function filledIn(schema) {
  const fields = Object.entries(schema?.properties ?? {});
  const value = (field) => field.default ?? (field.type === 'boolean' ? true : undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, value(field)]));
}

function answerTo(method, params) {
  switch (method) {
    case 'elicitation/create':
      return { action: 'accept', content: filledIn(params.requestedSchema) };
    case 'roots/list':
      return { roots: [] };
    case 'sampling/createMessage':
      return { role: 'assistant', content: { type: 'text', text: 'yes' }, model: 'none' };
    default:
      return {};
  }
}

createInterface({ input: bridge.stdout }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.method && message.id !== undefined) {
    say({ id: message.id, result: answerTo(message.method, message.params) });
  } else if (!message.method) {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  }
});

async function begin() {
  if (isNewest) {
    let known = await ask('server/discover');
    // Refused for its revision, an app tries again with one that both know.
    if (known.error?.data?.supported?.includes(version)) known = await ask('server/discover');
    return;
  }
  await result('initialize', { protocolVersion: version, capabilities, clientInfo });
  say({ method: 'notifications/initialized' });
}

const argumentsFor = (tool) => {
  const values = { number: 2, integer: 2, string: 'us-west1', boolean: true };
  const fields = Object.entries(tool.inputSchema?.properties ?? {});
  return Object.fromEntries(fields.map(([name, field]) => [name, values[field.type] ?? {}]));
};

const call = (name, values = {}, more = {}) => result('tools/call', { name, arguments: values, ...more });

// A call with as many rounds of questions as the server wants; other calls are made in between.
async function callThrough(name) {
  let answer = await call(name);
  while (answer.resultType === 'input_required') {
    const asked = Object.entries(answer.inputRequests ?? {});
    const inputResponses = Object.fromEntries(asked.map(([key, one]) => [key, answerTo(one.method, one.params)]));
    await call('test_mrtr_unrelated');
    const state = answer.requestState === undefined ? {} : { requestState: answer.requestState };
    answer = await call(name, {}, { inputResponses, ...state });
  }
}

const tools = async () => (await result('tools/list')).tools;

async function callAll() {
  for (const tool of await tools()) await call(tool.name, argumentsFor(tool));
}

const conversations = {
  initialize: tools,
  'request-metadata': tools,
  'json-schema-ref-no-deref': tools,
  'sep-2322-client-request-state': async () => {
    for (const tool of await tools()) await callThrough(tool.name);
  },
  'json-schema-2020-12-preservation': async () => {
    const focal = (await tools()).find((tool) => tool.name === 'json_schema_2020_12_tool');
    await call('json_schema_echo', { schema: focal.inputSchema });
  },
  'http-standard-headers': async () => {
    await callAll();
    for (const { uri } of (await result('resources/list')).resources) await result('resources/read', { uri });
    for (const { name } of (await result('prompts/list')).prompts) await result('prompts/get', { name });
  },
  'http-custom-headers': async () => {
    await tools();
    for (const one of context.toolCalls) await call(one.name, one.arguments);
  },
};

await begin();
await (conversations[scenario] ?? callAll)();
bridge.stdin.end();
bridge.on('exit', (code) => process.exit(code ?? 1));
