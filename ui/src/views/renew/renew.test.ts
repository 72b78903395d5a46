import { render, screen as page, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend } from '../../backend/fake';
import { connection, connectTo, refresh } from '../../lib/state.svelte';
import Row from '../connections/Row.svelte';
import { Renewal } from './renew.svelte';

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

test('a row says its state in words and offers the one next step', async () => {
  const one = connection('invoices');
  if (!one) throw new Error('invoices');
  render(Row, { one, now: new Date().toISOString() });
  expect(page.getByTestId('row-status-invoices').textContent).toContain('Changed outside Patchbay in Codex');
  const button = page.getByRole('button', { name: /^Put back: Invoices/ });
  button.click();
  await waitFor(() => expect(backend.fake.asked).toContainEqual({ type: 'put_back', id: 'invoices', client: 'codex' }));
});
