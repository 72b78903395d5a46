import { render, screen as page, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { report } from '../../backend/fake/fixtures';
import { act } from '../../lib/actions.svelte';
import { screen } from '../../lib/screen.svelte';
import { sentence } from '../../lib/sentences';
import { appName, connection, connectTo, refresh } from '../../lib/state.svelte';
import DetailToken from '../connections/DetailToken.svelte';
import Row from '../connections/Row.svelte';
import { Renewal } from './renew.svelte';
import Stages from './Stages.svelte';

let backend: ReturnType<typeof fakeBackend>;

beforeEach(async () => {
  backend = fakeBackend('rich', 0);
  connectTo(backend);
  await refresh();
});

function begin(): Renewal {
  const one = connection('retently');
  if (!one) throw new Error('retently');
  return new Renewal(one, null, 'make');
}

test('a refused token changes nothing and stays to be corrected', async () => {
  const renewal = begin();
  renewal.paste.value = 'refuse-1234567890';
  await renewal.renew();
  expect([renewal.step, renewal.error?.code]).toEqual(['make', 'renewal_refused']);
  expect(renewal.paste.value).toBe('refuse-1234567890');
  expect(connection('retently')?.status).toBe('token_refused');
});

test('after the swap the old token is asked for until it is refused or let go', async () => {
  const renewal = begin();
  renewal.paste.value = 'keep-1234567890123';
  await renewal.renew();
  expect([renewal.step, renewal.stage, renewal.paste.value]).toEqual(['revoke', 2, '']);
  await renewal.retire();
  expect(renewal.step).toBe('still_works');
  await renewal.retire(true);
  expect(renewal.step).toBe('retired');
  expect(connection('retently')?.group).toBe('working');
});

test('a token that was refused already leaves nothing to be revoked', async () => {
  const renewal = begin();
  renewal.paste.value = 'a-good-token-1234567890';
  await renewal.renew();
  expect([renewal.step, renewal.error, renewal.forgotten]).toEqual(['retired', null, false]);
  expect(connection('retently')?.group).toBe('working');
});

test('of several tokens it is said which one is refused and which one no app uses', () => {
  const one = connection('xurrent');
  if (!one) throw new Error('xurrent');
  const [first, codex] = one.tokens;
  if (!first || !codex) throw new Error('tokens');
  const idle = { ...first, id: 't-idle', used_by: [] };
  const refused = { ...one, status: 'token_refused' as const, tokens: [first, codex, idle], renew_token: codex.id, last_check: report('token_refused') };
  expect(sentence(refused, appName, '')).toBe('The service refuses Codex’s token');
  expect(sentence({ ...refused, renew_token: first.id }, appName, '')).toBe('The service refuses the token of Claude Desktop and Claude Code');
  render(DetailToken, { one: refused, now: new Date().toISOString() });
  expect(page.getByTestId(`detail-token-${codex.id}`).textContent).toContain('The service refuses this one');
  expect(page.getByTestId(`detail-token-${first.id}`).textContent).not.toContain('refuses');
  expect(page.getByTestId('detail-token-t-idle').textContent).toContain('No app uses it');
});

test('each old token is asked about by itself, and one that cannot be asked about is not said to be gone', async () => {
  const one = connection('github');
  const [first] = one?.tokens ?? [];
  if (!one || !first) throw new Error('github');
  act(one);
  expect(screen.dialog).toMatchObject({ kind: 'renew', token: first.id, step: 'revoke', old: first.old[0]?.id });
  const call = vi.spyOn(backend, 'call');
  call.mockResolvedValueOnce({ type: 'retired', value: { refused: false, unverified: true, report: null } });
  const renewal = new Renewal(one, first.id, 'revoke', first.old[0]?.id);
  await renewal.retire();
  expect(renewal.step).toBe('unverified');
  expect(call.mock.calls[0]?.[0]).toMatchObject({ type: 'retire_old', old: first.old[0]?.id, force: false });
});

test('a token that replaced none leaves nothing to be revoked', async () => {
  const renewal = begin();
  renewal.paste.value = 'keep-1234567890123';
  const done = { id: 'retently', before: report('working'), after: report('working'), token: 't-retently', old: null, revoke_page: null, expires: null, lasted_days: null };
  vi.spyOn(backend, 'callWithSecret').mockResolvedValueOnce({ type: 'renewed', value: done });
  await renewal.renew();
  expect(renewal.step).toBe('renewed');
});

test('nobody is said to try a program’s token, or to use it before the program is started again', () => {
  const one = connection('retently');
  if (!one) throw new Error('retently');
  const program = new Renewal({ ...one, provider: 'program' }, one.tokens[0]?.id ?? null, 'make');
  const { container } = render(Stages, { stage: 0, program: program.isProgram });
  expect(container.textContent?.trim()).toBe('Putting it in place');
  expect(program.success(() => 'Codex')).toContain('once the program is started again');
  expect(begin().success(() => 'Codex')).toContain('from now on');
});

test('a renewal is about the token that the core names, not the one that ends first', () => {
  const one = connection('xurrent');
  if (!one) throw new Error('xurrent');
  act({ ...one, renew_token: 't-xurrent-codex' });
  expect(screen.dialog).toMatchObject({ kind: 'renew', token: 't-xurrent-codex' });
});

test('a row says its state in words and offers the one next step', async () => {
  const one = connection('invoices');
  if (!one) throw new Error('invoices');
  render(Row, { one, now: new Date().toISOString() });
  expect(page.getByTestId('row-status-invoices').textContent).toContain('Changed outside Patchbay in Codex');
  const button = page.getByRole('button', { name: /^Put back: Invoices/ });
  button.click();
  await waitFor(() => expect(backend.fake.asked).toContainEqual({ type: 'put_back', id: 'invoices', client: 'codex', scope: { kind: 'user' } }));
});
