import { render, screen as page } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { Form } from '../bindings/Form';
import ExpiryField from './ExpiryField.svelte';
import { dayIn } from './format';
import { connectTo, data, refresh } from './state.svelte';
import { TokenPaste } from './tokenField.svelte';

let now = '';
beforeEach(async () => {
  connectTo(fakeBackend('empty', 0));
  await refresh();
  now = data.snapshot?.now ?? '';
});

const form = (suggested: number | null, latest: number | null): Form => ({
  resolved: null, errors: [], id: null, suggested_name: '', suggested_expires: suggested === null ? null : dayIn(suggested, now), latest_expires: latest === null ? null : dayIn(latest, now), redirect: '',
});
const labels = (): string[] => page.getAllByRole('button').map((button) => button.textContent?.trim() ?? '');

function draw(of: Form, more: { required?: boolean; asBefore?: string } = {}): TokenPaste {
  const paste = new TokenPaste();
  render(ExpiryField, { paste, form: of, error: null, onchange: () => undefined, ...more });
  return paste;
}

test('only the days that the service allows are offered, and not knowing only where it may be', () => {
  draw(form(90, 100), { required: true });
  expect(labels()).toEqual(['In 30 days', 'In 90 days', 'Another day']);
});

test('a day is chosen, typed, or not known; nothing is chosen at first', async () => {
  const paste = draw(form(null, null));
  expect(labels()).toEqual(['In 30 days', 'In 90 days', 'In 365 days', 'Another day', 'I don’t know']);
  expect([paste.end, page.queryByTestId('token-expires')]).toEqual([null, null]);
  page.getByText('In 30 days').click();
  expect(paste.end).toBe(dayIn(30, now));
  expect((await page.findByTestId('token-expires-chosen')).textContent).toContain('It ends on');
  page.getByText('Another day').click();
  expect([paste.end, !!(await page.findByTestId('token-expires'))]).toEqual([null, true]);
  page.getByText('I don’t know').click();
  expect((await page.findByTestId('token-expires-endless')).textContent).toContain('cannot remind you');
  expect(paste.end).toBe('unknown');
});

test('the end of the token before is a choice of its own', () => {
  const paste = draw(form(90, 365), { asBefore: dayIn(60, now) });
  page.getByTestId('token-expires-suggested').click();
  expect(labels()).toContain('As long as the one before');
  expect(paste.end).toBe(dayIn(60, now));
});
