import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../backend';
import { fakeBackend } from '../../backend/fake';
import { words } from '../../i18n';
import { connection, connectTo, data, refresh } from '../../lib/state.svelte';
import { Wizard } from './wizard.svelte';

let backend: ReturnType<typeof fakeBackend>;
const TOKEN = 'practice-token-1234567890';

beforeEach(async () => {
  backend = fakeBackend('empty', 0);
  connectTo(backend);
  await refresh();
});

async function begin(provider: string, settings: Record<string, string> = {}): Promise<Wizard> {
  const wizard = new Wizard(null, {});
  const service = data.catalog.find((one) => one.id === provider);
  if (!service) throw new Error(provider);
  await wizard.choose(service, settings);
  return wizard;
}

async function paste(wizard: Wizard, value: string): Promise<void> {
  wizard.paste.value = value;
  wizard.paste.expires = wizard.live.form?.suggested_expires ?? '';
  await wizard.next();
}

test('one token for all apps: seven steps, one request with the secret beside it', async () => {
  const secret = vi.spyOn(backend, 'callWithSecret');
  const wizard = await begin('retently');
  expect(wizard.name).toBe('Retently');
  await wizard.next();
  await wizard.next();
  await paste(wizard, TOKEN);
  await wizard.next();
  expect(wizard.step).toBe('review');
  expect(wizard.plan?.files).toHaveLength(3);
  await wizard.next();
  expect(wizard.step).toBe('check');
  expect(wizard.report?.verdict).toBe('working');
  expect(secret.mock.calls.map(([request]) => request.type)).toEqual(['inspect_token', 'connect']);
  expect(JSON.stringify(backend.fake.asked)).not.toContain(TOKEN);
  expect(wizard.pastes.map((one) => one.value)).toEqual(['']);
});

test('one token for each app: apps come first, each further token is saved for its app', async () => {
  const wizard = await begin('xurrent', { account: 'widget' });
  expect(wizard.perApp).toBe(true);
  await wizard.next();
  await wizard.next();
  expect(wizard.step).toBe('apps');
  await wizard.next();
  for (const n of [1, 2, 3]) await paste(wizard, `${TOKEN}${n}`);
  expect(wizard.step).toBe('review');
  await wizard.next();
  const saved = backend.fake.asked.filter((request) => request.type === 'save_token');
  expect(saved.map((request) => [request.clients, request.token.label])).toEqual([
    [['claude-code'], 'Claude Code MCP'],
    [['codex'], 'Codex MCP'],
  ]);
  expect(connection('xurrent')?.tokens).toHaveLength(3);
});

test('a missing answer holds the step and says so under its field', async () => {
  const wizard = await begin('xurrent');
  expect(wizard.live.complaint('account')).toBeNull();
  await wizard.next();
  expect(wizard.step).toBe('details');
  expect(wizard.live.complaint('account')).toBe('Account ID is missing.');
});

test('a pasted address is taken apart into its fields', async () => {
  const wizard = await begin('uipath');
  wizard.settings['url'] = 'https://cloud.uipath.com/widget/DefaultTenant/agenthub_/mcp/1a2b3c4d-0000-0000-0000-000000000000/robots';
  await wizard.takeApart();
  expect(wizard.settings).toMatchObject({ url: '', organisation: 'widget', slug: 'robots' });
});

test('a service that needs no token is connected without one', async () => {
  const wizard = await begin('custom', { url: 'https://mcp.example.com/mcp' });
  await wizard.next();
  await wizard.next();
  expect(wizard.optional).toBe(true);
  wizard.tokenless = true;
  for (let n = 0; n < 3; n += 1) await wizard.next();
  expect(backend.fake.asked).toMatchObject([{ type: 'connect', connect: { token: null } }]);
});

test('a token is called after the app it is for', async () => {
  const wizard = await begin('retently');
  expect(wizard.labelFor(undefined)).toBe('Patchbay MCP');
  for (const client of ['claude-code', 'codex']) Object.assign(wizard.places.ticks[client] ?? {}, { chosen: false });
  expect(wizard.labelFor(undefined)).toBe('Claude Desktop MCP');
});

test('a token of another service holds the step; an odd one can be overruled', async () => {
  const wizard = await begin('retently');
  await wizard.next();
  await wizard.next();
  await paste(wizard, 'ghp_abcdefghijklmnop');
  expect(wizard.step).toBe('paste');
  expect(wizard.paste.error?.code).toBe('token_other_service');
  wizard.paste.changed('retently', null);
  await paste(wizard, 'short');
  expect(wizard.step).toBe('paste');
  wizard.paste.overruled = true;
  await wizard.next();
  expect(wizard.step).toBe('apps');
  expect(wizard.connect.overrule).toBe(true);
});

test('where every token has an end, it is asked for', async () => {
  const wizard = await begin('retently');
  await wizard.next();
  await wizard.next();
  wizard.paste.value = TOKEN;
  expect(wizard.endComplaint).toBeNull();
  await wizard.next();
  expect([wizard.step, wizard.endComplaint]).toEqual(['paste', words.code.date_required.say]);
  await paste(wizard, TOKEN);
  expect([wizard.step, wizard.endComplaint]).toEqual(['apps', null]);
});

test('a file that changed meanwhile is planned anew and nothing is lost', async () => {
  const wizard = await begin('retently');
  await wizard.next();
  await wizard.next();
  await paste(wizard, TOKEN);
  await wizard.next();
  vi.spyOn(backend, 'callWithSecret').mockRejectedValueOnce(new Failure({ code: 'file_changed', message: 'changed' }));
  await wizard.next();
  expect([wizard.step, wizard.error?.code, wizard.plan?.files.length]).toEqual(['review', 'file_changed', 3]);
  await wizard.next();
  expect(wizard.step).toBe('check');
});

test('a token that could not be saved is tried again without connecting twice', async () => {
  const wizard = await begin('xurrent', { account: 'widget' });
  for (let n = 0; n < 3; n += 1) await wizard.next();
  for (const n of [1, 2, 3]) await paste(wizard, `${TOKEN}${n}`);
  const real = backend.callWithSecret.bind(backend);
  let failed = false;
  vi.spyOn(backend, 'callWithSecret').mockImplementation((request, secret) => {
    if (request.type === 'save_token' && request.clients[0] === 'codex' && !failed) {
      failed = true;
      return Promise.reject(new Failure({ code: 'keychain_locked', message: 'locked' }));
    }
    return real(request, secret);
  });
  await wizard.next();
  expect([wizard.step, wizard.error?.code]).toEqual(['review', 'keychain_locked']);
  await wizard.next();
  expect(wizard.step).toBe('check');
  expect(backend.fake.asked.filter((request) => request.type === 'connect')).toHaveLength(1);
  expect(backend.fake.asked.filter((request) => request.type === 'save_token')).toHaveLength(2);
});
