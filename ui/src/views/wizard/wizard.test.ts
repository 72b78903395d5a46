import { render, screen as page } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../backend';
import { fakeBackend } from '../../backend/fake';
import type { Error as CoreError } from '../../bindings/Error';
import { words } from '../../i18n';
import { fieldSentence } from '../../lib/form.svelte';
import { connection, connectTo, data, refresh } from '../../lib/state.svelte';
import CancelDialog from './CancelDialog.svelte';
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
  // These are about tokens, also where the service would have its users sign in.
  wizard.setSignsIn(false);
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
  expect(secret.mock.calls.map(([request]) => request.type)).toEqual(['inspect_token', 'inspect_token', 'connect']);
  expect(JSON.stringify(backend.fake.asked)).not.toContain(TOKEN);
  expect(wizard.pastes.all.map((one) => one.value)).toEqual(['']);
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
  expect(wizard.live.complaint('account', 'Account ID')).toBe('Enter “Account ID” to go on.');
});

test('a pasted address is taken apart into its fields', async () => {
  const wizard = await begin('uipath');
  wizard.settings['url'] = 'https://cloud.uipath.com/widget/DefaultTenant/agenthub_/mcp/1a2b3c4d-0000-0000-0000-000000000000/robots';
  await wizard.takeApart();
  expect(wizard.settings).toMatchObject({ url: '', organisation: 'widget', slug: 'robots' });
});

test('a service that needs no token is connected without one', async () => {
  const wizard = await begin('custom', { url: 'https://mcp.example.com/mcp' });
  expect(wizard.name).toBe('');
  await wizard.next();
  expect([wizard.step, wizard.live.error('name')?.code]).toEqual(['details', 'name_invalid']);
  wizard.name = 'Invoices';
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
  const allow = refuse('connect', TOKEN, { code: 'file_changed', message: 'changed' });
  await wizard.next();
  expect([wizard.step, wizard.error?.code, wizard.plan?.files.length]).toEqual(['review', 'file_changed', 3]);
  allow();
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

/** Through a wizard with one token for each app, up to the change. */
async function each(tokens = ['1', '2', '3']): Promise<Wizard> {
  const wizard = await begin('xurrent', { account: 'widget' });
  for (let n = 0; n < 3; n += 1) await wizard.next();
  for (const end of tokens) await paste(wizard, `${TOKEN}${end}`);
  return wizard;
}

/** Makes the core refuse what is asked for with this secret, until it is called again. */
function refuse(type: string, secret: string, error: CoreError = { code: 'token_control_characters', message: 'no', field: 'token' }): () => void {
  const real = backend.callWithSecret.bind(backend);
  const spy = vi.spyOn(backend, 'callWithSecret').mockImplementation(async (request, given) => {
    if (request.type !== type || given !== secret) return real(request, given);
    if (type !== 'inspect_token') throw new Failure(error);
    return { type: 'token_look', value: { cleaned: false, errors: error.code === 'token_reused' ? [] : [error], warnings: error.code === 'token_reused' ? [error] : [], expires: null } };
  });
  return () => spy.mockRestore();
}

test('every token is looked at before anything is written', async () => {
  const wizard = await each();
  const allow = refuse('inspect_token', `${TOKEN}2`);
  await wizard.next();
  expect([wizard.step, wizard.pastes.nth, wizard.paste.error?.code]).toEqual(['paste', 1, 'token_control_characters']);
  expect(backend.fake.asked).toEqual([]);
  allow();
  wizard.paste.changed('xurrent', null);
  for (let n = 0; n < 3; n += 1) await wizard.next();
  expect(wizard.step).toBe('check');
});

test('a further token that is refused after all leads to its own field, and only the rest is saved', async () => {
  const wizard = await each();
  const allow = refuse('save_token', `${TOKEN}2`);
  await wizard.next();
  expect([wizard.step, wizard.pastes.nth, wizard.paste.error?.code]).toEqual(['paste', 1, 'token_control_characters']);
  expect(wizard.unsaved).toEqual(['claude-code', 'codex']);
  allow();
  const plan = vi.spyOn(backend, 'call');
  wizard.paste.value = `${TOKEN}4`;
  wizard.paste.changed('xurrent', null);
  await wizard.next();
  expect([wizard.step, wizard.unsaved]).toEqual(['check', []]);
  expect(plan.mock.calls.map(([request]) => request.type)).not.toContain('plan_connect');
  expect(backend.fake.asked.map((request) => request.type)).toEqual(['connect', 'save_token', 'save_token']);
});

test('one token for two apps is noticed while it is pasted', async () => {
  const wizard = await each(['1']);
  wizard.paste.value = ` "Bearer ${TOKEN}1" `;
  expect(wizard.twinComplaint).toBe('This is the token you gave Claude Desktop. Make another one for Claude Code.');
  await wizard.next();
  expect([wizard.step, wizard.pastes.nth]).toEqual(['paste', 1]);
  wizard.paste.value = `${TOKEN}2`;
  expect(wizard.twinComplaint).toBeNull();
  await wizard.next();
  expect(wizard.pastes.nth).toBe(2);
});

test('a further token of another connection cannot be overruled, as the core takes none', async () => {
  const wizard = await each(['1']);
  refuse('inspect_token', `${TOKEN}2`, { code: 'token_reused', message: 'used', field: 'token' });
  await paste(wizard, `${TOKEN}2`);
  expect([wizard.pastes.nth, wizard.paste.error?.code, wizard.paste.warnings]).toEqual([1, 'token_reused', []]);
});

test('the token keeps the name that it was made with', async () => {
  const wizard = await begin('retently');
  await wizard.next();
  await wizard.next();
  await paste(wizard, TOKEN);
  for (const client of ['claude-code', 'codex']) Object.assign(wizard.places.ticks[client] ?? {}, { chosen: false });
  expect(wizard.connect.token?.label).toBe('Patchbay MCP');
});

test('an end that nobody knows is told to the core, and asked about in no form', async () => {
  const wizard = await begin('xurrent', { account: 'widget' });
  wizard.setPerApp(false);
  await wizard.next();
  await wizard.next();
  wizard.paste.endless = true;
  wizard.paste.value = TOKEN;
  await wizard.next();
  expect([wizard.step, wizard.connect.token?.expires, wizard.answers.expires]).toEqual(['apps', 'unknown', null]);
});

test('another service begins with no token and no end', async () => {
  const wizard = await begin('xurrent', { account: 'widget' });
  Object.assign(wizard.paste, { value: TOKEN, endless: true });
  const retently = data.catalog.find((one) => one.id === 'retently');
  if (retently) await wizard.choose(retently);
  expect([wizard.paste.value, wizard.paste.endless]).toEqual(['', false]);
});

test('what stands in a field is answered in the core’s own words, with its way out', () => {
  const error = { code: 'address_has_token', message: 'Line 1 holds a token.', hint: 'Take it out.', field: 'headers' } as const;
  expect(fieldSentence(error)).toBe('Line 1 holds a token. Take it out.');
  expect(fieldSentence({ ...error, code: 'setting_invalid', hint: 'Set it: --set headers=...' })).toBe('Line 1 holds a token.');
});

test('leaving with a token unsaved says who uses whose', async () => {
  const wizard = await each();
  refuse('save_token', `${TOKEN}3`);
  await wizard.next();
  expect(wizard.unsaved).toEqual(['codex']);
  render(CancelDialog, { wizard, onleave: () => undefined, onstay: () => undefined });
  const text = page.getByTestId('wizard-cancel-dialog').textContent;
  expect(text).toContain('is connected already');
  expect(text).toContain('Codex uses the token of Claude Desktop');
  expect(text).toContain('The token you pasted for Codex is not kept');
});
