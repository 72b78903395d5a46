import { beforeEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../backend/fake';
import { act, busy, check, follow, putBack, undo, wrong } from './actions.svelte';
import { screen } from './screen.svelte';
import { connection, connectTo, data, refresh } from './state.svelte';

let backend: ReturnType<typeof fakeBackend>;

beforeEach(async () => {
  backend = fakeBackend('rich', 0);
  Object.assign(screen, { view: 'connections', selected: null, dialog: null, wizard: null, toast: null });
  connectTo(backend);
  await refresh();
});

test('many changes at once are one more question', async () => {
  const call = vi.spyOn(backend, 'call');
  await Promise.all([refresh(), refresh(), refresh(), refresh()]);
  expect(call.mock.calls.filter(([request]) => request.type === 'snapshot')).toHaveLength(2);
});

test('a failed question is shown until one succeeds', async () => {
  connectTo(fakeBackend('failing', 0));
  await refresh();
  expect(data.snapshot).toBeNull();
  expect(data.failed?.code).toBe('io');
});

test('an answer of a backend that was left is not drawn', async () => {
  const slow = fakeBackend('empty', 40);
  connectTo(slow);
  const late = refresh();
  connectTo(backend);
  await late;
  expect(data.snapshot).toBeNull();
});

test('a check shows its layers while it runs and leaves none behind', async () => {
  let seen = 0;
  backend.on('check_progress', () => (seen = Math.max(seen, data.progress['practice']?.length ?? 0)));
  await check(['practice']);
  expect(seen).toBe(7);
  expect(data.progress).toEqual({});
  expect(screen.announcement).toContain('Practice service');
});

test('a renewal that is refused leaves no layers behind either', async () => {
  const request = { type: 'renew', id: 'practice', token: null, expires: null, scopes: null } as const;
  await expect(backend.callWithSecret(request, 'refuse')).rejects.toThrow();
  expect(data.progress['practice']).toHaveLength(7);
  await refresh();
  expect(data.progress).toEqual({});
});

test('an error stays at its row, and the row can be used again', async () => {
  await check(['nowhere']);
  expect(wrong['row:nowhere']?.code).toBe('unknown_connection');
  expect(busy['row:nowhere']).toBe(false);
  expect(data.progress).toEqual({});
});

test('what is put back can be taken back from the toast', async () => {
  await putBack('invoices', 'codex');
  expect(connection('invoices')?.group).toBe('working');
  await undo(screen.toast?.change ?? '');
  expect(connection('invoices')?.used_in.some((place) => place.drift)).toBe(true);
});

test('the primary button renews the token that ends first', () => {
  const one = connection('xurrent');
  if (one) act({ ...one, tokens: [...one.tokens].reverse() });
  expect(screen.dialog).toEqual({ kind: 'renew', id: 'xurrent', token: 't-xurrent', step: 'make' });
});

test('the tray does not take an open wizard away', () => {
  screen.wizard = { provider: null, settings: {} };
  follow({ view: 'settings' });
  expect(screen.view).toBe('connections');
  screen.wizard = null;
  follow({ view: 'connections', connection: 'xurrent', action: 'renew' });
  expect(screen.dialog).toEqual({ kind: 'renew', id: 'xurrent', token: 't-xurrent', step: 'make' });
});
