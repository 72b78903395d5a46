import { expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import type { EntryAt } from '../bindings/EntryAt';
import { words } from '../i18n';
import { AsApp, cameWords, findingWords, lastAsApp } from './asApp.svelte';
import { connectTo, refresh } from './state.svelte';

const at = (client: string, entry: string): EntryAt => ({ client, scope: { kind: 'user' }, entry });

async function started(entry: EntryAt) {
  const backend = fakeBackend('rich', 0);
  connectTo(backend);
  await refresh();
  const check = new AsApp(entry);
  await check.look();
  return { backend, check };
}

test('Patchbay’s own entry is tried at once', async () => {
  const { check } = await started(at('claude-desktop', 'robots'));
  expect(check.step).toBe('done');
  expect(check.result?.report.works).toBe(true);
});

test('a stranger’s program waits for a yes, and what came of it is kept', async () => {
  const own = at('cursor', 'old-search');
  const { check } = await started(own);
  expect([check.step, check.result]).toEqual(['agree', null]);
  expect(lastAsApp(own)).toBeUndefined();
  await check.start();
  await refresh();
  expect(check.step).toBe('done');
  expect(lastAsApp(own)?.report.works).toBe(false);
  expect(lastAsApp({ ...own, scope: { kind: 'project', folder: '/x' } })).toBeUndefined();
});

test('where the app would start nothing, nobody is asked and the cause is told', async () => {
  const { check } = await started(at('claude-desktop', 'filesystem'));
  expect(check.step).toBe('done');
  expect(check.result?.report.findings[0]?.kind).toBe('not_on_app_path');
});

test('what has changed since it was seen is shown again and not started', async () => {
  const { backend, check } = await started(at('cursor', 'old-search'));
  const entry = backend.fake.state.apps.find(({ id }) => id === 'cursor')?.entries[0];
  if (entry) entry.target = 'npx -y another-one';
  await check.start();
  expect([check.step, check.changed, check.result]).toEqual(['agree', true, null]);
  expect(check.plan?.command).toContain('another-one');
});

test('stopping is no failure', async () => {
  const { backend, check } = await started(at('cursor', 'old-search'));
  const running = check.start();
  await backend.call({ type: 'cancel_checks' });
  await running;
  expect([check.step, check.error]).toEqual(['agree', null]);
});

test('a finding names the app, the program and where it is', async () => {
  await started(at('claude-desktop', 'robots'));
  const { say, do: next } = findingWords({ kind: 'not_on_app_path', name: 'npx', there: '/opt/bin/npx' }, 'claude-desktop');
  expect(say).toContain('Claude Desktop does not find “npx”');
  expect(next).toContain('/opt/bin/npx');
});

test('what only the app can tell is neither good nor bad', async () => {
  await started(at('claude-desktop', 'robots'));
  const { good, bad } = words.asApp;
  const said = (works: boolean, open: boolean) => cameWords({ works, open }, 'Goose');
  expect([said(true, false), said(false, false), said(false, true)]).toEqual([good('Goose'), bad('Goose'), 'Whether it works, only Goose can tell.']);
});

test('an entry that its app does not take is told in the core’s own words', async () => {
  await started(at('claude-desktop', 'robots'));
  const told = findingWords({ kind: 'not_taken', name: null, there: 'Claude Desktop takes programs only.' }, 'claude-desktop');
  expect(told).toEqual({ say: 'Claude Desktop takes programs only.', do: 'Connect it through Patchbay.' });
});
