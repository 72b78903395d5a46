import { beforeEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import type { SignInView } from '../../bindings/SignInView';
import { Signing } from '../../lib/signing.svelte';
import { connection, connectTo, data, refresh } from '../../lib/state.svelte';
import { Wizard } from './wizard.svelte';

let backend: ReturnType<typeof fakeBackend>;

beforeEach(async () => {
  backend = fakeBackend('empty', 2);
  connectTo(backend);
  await refresh();
});

async function begin(provider: string, name: string, settings: Record<string, string> = {}): Promise<Wizard> {
  const wizard = new Wizard(null, {});
  const service = data.catalog.find((one) => one.id === provider);
  if (!service) throw new Error(provider);
  await wizard.choose(service, settings);
  wizard.name = name;
  wizard.named();
  return wizard;
}

/** Up to the step where the change is shown. */
async function review(wizard: Wizard): Promise<void> {
  for (let n = 0; n < 3; n += 1) await wizard.next();
  expect(wizard.step).toBe('review');
}

test('the pack chooses: Retently begins with the sign-in, Xurrent with the token', async () => {
  expect((await begin('retently', 'A')).signsIn).toBe(true);
  expect((await begin('xurrent', 'B', { account: 'widget' })).signsIn).toBe(false);
  expect((await begin('practice', 'C')).signsIn).toBe(false);
});

test('a sign-in takes no paste step, sends no token, and connects when the user is back', async () => {
  const wizard = await begin('retently', 'Feedback');
  expect(wizard.order).toEqual(['service', 'details', 'make', 'apps', 'review', 'check']);
  await review(wizard);
  const steps: string[] = [];
  backend.on('sign_in_progress', ({ id, step }) => steps.push(`${id} ${step.step}`));
  await wizard.next();
  expect(steps).toEqual(['feedback asking', 'feedback browser', 'feedback fetching', 'feedback checking']);
  expect([wizard.step, wizard.report?.verdict]).toEqual(['check', 'working']);
  expect(connection('feedback')?.tokens[0]?.sign_in?.own_client).toBeNull();
  expect(backend.fake.asked.map(({ type }) => type)).toEqual(['connect_signed_in']);
});

test('stopped, nothing is set up, no failure is shown, and it can be begun again', async () => {
  const wizard = await begin('retently', 'Later');
  await review(wizard);
  const going = wizard.next();
  await vi.waitFor(() => expect(wizard.signing.page).toContain('state=later'));
  await wizard.signing.stop();
  await going;
  expect([wizard.step, wizard.error, wizard.signing.step]).toEqual(['review', null, null]);
  expect(connection('later')).toBeUndefined();
});

test('leaving the wizard stops the sign-in', async () => {
  const wizard = await begin('retently', 'Later');
  await review(wizard);
  const going = wizard.next();
  await vi.waitFor(() => expect(wizard.signing.page).not.toBeNull());
  wizard.leave();
  await going;
  expect(backend.fake.asked.map(({ type }) => type)).toContain('cancel_sign_in');
});

test('refused, the step stays; not offered, a token is asked for', async () => {
  const refused = await begin('retently', 'Refuse');
  await review(refused);
  await refused.next();
  expect([refused.step, refused.error?.code, refused.signsIn]).toEqual(['review', 'sign_in_refused', true]);
  const none = await begin('retently', 'Tokens only');
  await review(none);
  await none.next();
  expect([none.step, none.error?.code, none.signsIn]).toEqual(['make', 'sign_in_not_offered', false]);
});

test('a client of one’s own: its ID is wanted, its secret goes beside the request, and a client by itself needs both', async () => {
  const secret = vi.spyOn(backend, 'callWithSecret');
  const wizard = await begin('xurrent', 'Desk', { account: 'widget' });
  wizard.setSignsIn(true);
  await wizard.next();
  await wizard.next();
  expect([wizard.step, wizard.signing.idMissing !== null]).toEqual(['make', true]);
  wizard.signing.clientId = ' desk-client ';
  wizard.signing.itself = true;
  await wizard.next();
  expect([wizard.step, wizard.signing.secretMissing !== null]).toEqual(['make', true]);
  wizard.signing.secret = 'canary-client-secret';
  await wizard.next();
  await wizard.next();
  await wizard.next();
  const asked = backend.fake.asked.find((request) => request.type === 'connect_signed_in');
  expect(asked?.with).toEqual({ grant: 'client_credentials', client_id: 'desk-client', scopes: [] });
  expect(secret.mock.calls.at(-1)?.[1]).toBe('canary-client-secret');
  expect(JSON.stringify(backend.fake.asked)).not.toContain('canary');
  expect(wizard.signing.secret).toBe('');
});

test.each(['company', 'platform'] as const)('who vouched for the user does so again: %s', (grant) => {
  const before: SignInView = { at: '2026-01-01T00:00:00Z', grant, own_client: 'mine', voucher: 'https://id.example', needed: null, asks: [], bound: false, command: null };
  expect(new Signing(null, before).with).toEqual({ grant, client_id: 'mine', scopes: [] });
  expect(new Signing(null, { ...before, grant: 'authorization_code' }).with.grant).toBe('authorization_code');
});

test.each([['authorization_code', true], ['client_credentials', false], ['company', true], ['platform', false]] as const)('whether a browser is spoken of: %s', (grant, browser) => {
  const before: SignInView = { at: '2026-01-01T00:00:00Z', grant, own_client: 'mine', voucher: null, needed: null, asks: [], bound: false, command: null };
  const signing = new Signing(null, before);
  expect([signing.way, signing.browser, signing.command]).toEqual([grant, browser, null]);
  expect(new Signing(null, null, { ...before, command: 'patchbay sign-in a' }).command).toBe('patchbay sign-in a');
});

test('where every app signs in by itself, nobody signs in here and nothing is checked', async () => {
  const wizard = await begin('retently', 'Plain');
  await wizard.next();
  await wizard.next();
  for (const tick of Object.values(wizard.places.ticks)) tick.chosen = false;
  Object.assign(wizard.places.ticks['codex'] ?? {}, { chosen: true, wiring: 'client-oauth' });
  await wizard.next();
  await wizard.next();
  expect(wizard.step).toBe('check');
  const [asked] = backend.fake.asked;
  expect(asked?.type === 'connect' && [asked.connect.token, asked.connect.places[0]?.wiring]).toEqual([null, 'client-oauth']);
  expect([wizard.byApps, wizard.report]).toEqual([true, null]);
});
