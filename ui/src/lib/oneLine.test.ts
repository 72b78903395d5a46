import { fireEvent, render, screen as page } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { SecretField } from '../bindings/SecretField';
import { words } from '../i18n';
import { OneLine, severalLines } from './oneLine.svelte';
import SecretFields from './SecretFields.svelte';
import { connectTo, refresh } from './state.svelte';
import TokenField from './TokenField.svelte';
import { TokenPaste } from './tokenField.svelte';

beforeEach(async () => {
  connectTo(fakeBackend('empty', 0));
  await refresh();
});

type Carrier = 'clipboardData' | 'dataTransfer';

/** What brings a text, as a page hears of it. */
function brings(text: string, carrier: Carrier = 'clipboardData'): ClipboardEvent & DragEvent {
  const event = new Event(carrier === 'clipboardData' ? 'paste' : 'drop', { bubbles: true, cancelable: true });
  return Object.assign(event, { [carrier]: { getData: (type: string) => (type === 'text/plain' ? text : '') } }) as unknown as ClipboardEvent & DragEvent;
}

test.each([
  ['token-1', null],
  ['  token-1 \r\n\n', null],
  ['', null],
  ['one\ntwo', 'one\ntwo'],
  ['\none\r\n\r\ntwo\n', 'one\r\n\r\ntwo'],
  ['one\u2028two', 'one\u2028two'],
])('%j: only what is more than one line ends the event', (text, kept) => {
  for (const carrier of ['clipboardData', 'dataTransfer'] as const) {
    const event = brings(text, carrier);
    expect([severalLines(event), event.defaultPrevented]).toEqual([kept, kept !== null]);
  }
});

test('a field of one line is emptied and says so until something is typed or pasted rightly', () => {
  const empty = vi.fn();
  const line = new OneLine(empty);
  line.take(brings('one\ntwo'));
  expect([line.refused, empty.mock.calls.length]).toEqual([true, 1]);
  line.take(brings('one\n'));
  expect([line.refused, empty.mock.calls.length]).toEqual([false, 1]);
  line.take(brings('one\ntwo'));
  line.typed();
  expect(line.refused).toBe(false);
});

test('two tokens pasted at once: nothing of them is kept, and one sentence says why', async () => {
  const paste = new TokenPaste();
  render(TokenField, { paste, provider: 'custom' });
  const field = page.getByTestId<HTMLInputElement>('token-input');
  await fireEvent(field, brings('token-one-0123456789\ntoken-two-0123456789'));
  expect((await page.findByTestId('token-error')).textContent).toBe(words.oneLine.token);
  expect([paste.value, field.value, paste.ready]).toEqual(['', '', false]);
  await fireEvent.input(field, { target: { value: 'token-one-0123456789' } });
  expect(page.queryByTestId('token-error')).toBeNull();
});

test('one token that was wrapped over two lines is one', async () => {
  const paste = new TokenPaste();
  render(TokenField, { paste, provider: 'practice' });
  await fireEvent(page.getByTestId('token-input'), brings('pbp_0123456789\r\n  0123456789\n', 'dataTransfer'));
  await vi.waitFor(() => expect(paste.ready).toBe(true));
  expect([paste.lines, paste.value, paste.look?.cleaned]).toEqual([false, 'pbp_0123456789 0123456789', true]);
});

test('where there are several fields, each is told to have its own, and the others keep what they have', async () => {
  const field = (header: string | null, label: string): SecretField => ({ header, label, hint: null, page: null, steps: [] });
  const fields = [field(null, 'API key'), field('X-App-Key', 'Application key')];
  const paste = new TokenPaste();
  paste.shape(fields);
  render(SecretFields, { paste, fields, provider: 'custom' });
  const [first, second] = paste.all;
  await fireEvent.input(page.getByTestId('token-input-2'), { target: { value: 'token-two-0123456789' } });
  await fireEvent(page.getByTestId('token-input'), brings('token-one-0123456789\ntoken-two-0123456789'));
  expect((await page.findByTestId('token-error')).textContent).toBe(words.oneLine.each);
  await second?.inspect('custom', null);
  expect([first?.value, second?.value, paste.anyReady]).toEqual(['', 'token-two-0123456789', false]);
});
