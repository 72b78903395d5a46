/** What a check left out, and when a reminder can be put off. */
import { render, screen } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import { layers } from '../backend/fake/fixtures';
import type { Layer } from '../bindings/Layer';
import DetailToken from '../views/connections/DetailToken.svelte';
import Layers from './Layers.svelte';
import { connection, connectTo, refresh } from './state.svelte';

beforeEach(async () => {
  connectTo(fakeBackend('rich', 0));
  await refresh();
});

const said = (kind: string): string => screen.getByTestId(`layer-${kind}`).textContent ?? '';
const skipped = (kind: Layer['kind'], detail: string): Layer => ({ kind, mark: 'skipped', millis: 0, detail });

test('a part that needed nothing says why, one after a failure that it was not tried', () => {
  const { unmount } = render(Layers, { layers: [skipped('name', 'the address is a number'), ...layers('token_refused').slice(1)] });
  expect(said('name')).toContain('Already a number, nothing to look up');
  expect(said('tools')).toContain('Not tried');
  unmount();
  render(Layers, { layers: [skipped('name', 'the address is a number'), skipped('tls', 'on this computer')] });
  expect(said('name')).toContain('On this computer, nothing to look up');
});

test('where nobody is signed in, the part about that says so, and not that a token was refused', () => {
  const failed: Layer = { kind: 'sign_in', mark: 'failed', millis: 3, detail: null };
  const { unmount } = render(Layers, { layers: [failed], explained: { say: 'You are signed out.', then: 'Sign in with your browser.' } });
  expect(said('sign_in')).toContain('You are signed out.');
  expect(said('sign_in')).not.toContain('token');
  unmount();
  render(Layers, { layers: [failed] });
  expect(said('sign_in')).toContain('The token is not accepted');
});

test('who is signed out is told so and can sign in, also where the service is not known to take sign-ins', () => {
  const one = connection('xurrent');
  if (!one) throw new Error('xurrent');
  render(DetailToken, { one: { ...one, provider: 'custom', status: 'signed_out', tokens: [] }, now: new Date().toISOString() });
  expect(screen.getByText('You are signed out.')).toBeTruthy();
  expect(screen.getByTestId('detail-give-sign-in')).toBeTruthy();
});

test.each([[6, 'Remind me in 3 days'], [3, 'Remind me tomorrow'], [1, 'Remind me tomorrow'], [0, null], [-1, null]])('with %i days left: %s', (days_left, offer) => {
  const one = connection('xurrent');
  if (!one) throw new Error('xurrent');
  const tokens = one.tokens.map((token) => ({ ...token, days_left }));
  render(DetailToken, { one: { ...one, tokens }, now: new Date().toISOString() });
  expect(screen.queryByTestId('detail-snooze-t-xurrent')?.textContent ?? null).toBe(offer);
});
