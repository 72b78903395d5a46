/** What rows and details do: one request each, then a sentence, and an error where it happened. */
import { asError, type Navigate } from '../backend';
import type { Connected } from '../bindings/Connected';
import type { EntryScope } from '../bindings/EntryScope';
import type { ConnectionView } from '../bindings/ConnectionView';
import type { Error as CoreError } from '../bindings/Error';
import type { NextStep } from '../bindings/NextStep';
import { words } from '../i18n';
import { outcome } from './outcome';
import { announce, say, screen, startWizard, type Dialog } from './screen.svelte';
import { toSignIn } from './signing.svelte';
import { app, appName, appNames, ask, backend, connection, data, refresh } from './state.svelte';

/** What is under way and what went wrong, by place (`row:<id>`, `undo:<change>`, …). */
export const busy = $state<Record<string, boolean>>({});
export const wrong = $state<Record<string, CoreError | null>>({});

/** Runs one action at its place. Answers whether it went well. */
export async function at(place: string, action: () => Promise<void>): Promise<boolean> {
  if (busy[place]) return false;
  busy[place] = true;
  wrong[place] = null;
  try {
    await action();
    return true;
  } catch (thrown) {
    const error = asError(thrown);
    wrong[place] = error.code === 'cancelled' ? null : error;
    if (wrong[place]) announce(words.code[error.code]?.say ?? error.message);
    return false;
  } finally {
    busy[place] = false;
    await refresh();
  }
}

export function check(ids: string[]): Promise<boolean> {
  const place = ids.length === 1 ? `row:${ids[0]}` : 'check-all';
  return at(place, async () => {
    for (const id of ids.length ? ids : (data.snapshot?.connections ?? []).map((one) => one.id)) data.progress[id] = [];
    try {
      const reports = await ask({ type: 'check', ids }, 'reports');
      const [only] = reports;
      if (only && reports.length === 1) {
        const name = connection(only.id)?.name ?? only.id;
        announce(words.connections.checked(name, outcome(only.report)));
      } else announce(words.connections.checkedAll(reports.length));
    } finally {
      data.progress = {};
    }
  });
}

export function cancelChecks(): Promise<boolean> {
  return at('cancel-checks', async () => void (await ask({ type: 'cancel_checks' }, 'done')));
}

/** Says what was changed, and which apps have to be opened again to see it. */
export async function sayChanged(text: string, { change, restart }: Pick<Connected, 'change' | 'restart'>): Promise<void> {
  await refresh();
  const stale = restart.filter((client) => app(client)?.restart);
  const [only] = stale;
  const reopen = only && stale.length === 1 && app(only)?.restart?.reopen ? only : null;
  say(stale.length ? `${text}. ${words.restart.toast(appNames(stale), stale.length)}.` : text, change, 'good', reopen);
}

export function reopen(client: string): Promise<boolean> {
  return at(`reopen:${client}`, async () => {
    await ask({ type: 'reopen', client }, 'done');
    say(words.restart.done(appName(client)));
  });
}

export function putBack(id: string, client: string, scope?: EntryScope): Promise<boolean> {
  return at(`row:${id}`, async () => {
    const done = await ask({ type: 'put_back', id, client, scope }, 'connected');
    await sayChanged(words.connections.putBackDone(appName(client)), done);
  });
}

export function keep(id: string, client: string, scope?: EntryScope): Promise<boolean> {
  return at(`row:${id}`, async () => {
    await ask({ type: 'keep', id, client, scope }, 'connected');
    say(words.connections.keepDone(appName(client)));
  });
}

export function undo(change: string): Promise<boolean> {
  return at(`undo:${change}`, async () => {
    screen.toast = null;
    try {
      const { restart, token_missing } = await ask({ type: 'undo', change }, 'connected');
      await sayChanged(token_missing ? words.activity.doneNoToken : words.activity.done, { change: null, restart });
    } catch (thrown) {
      const error = asError(thrown);
      say(words.code[error.code]?.say ?? error.message, null, 'bad');
      throw thrown;
    }
  });
}

export function snooze(token: string, days: number): Promise<boolean> {
  return at(`snooze:${token}`, async () => {
    await ask({ type: 'snooze', token, days }, 'done');
    say(words.detail.snoozed(days));
  });
}

export function reveal(path: string): Promise<boolean> {
  return at(`reveal:${path}`, () => backend().revealPath(path));
}

/** Which of several files an app reads; the app's own rule counts again where none is named. */
export function chooseFile(client: string, path: string | null): Promise<boolean> {
  return at(`file:${client}`, async () => {
    await ask({ type: 'choose_file', client, path }, 'done');
    say(words.apps.chosen(appName(client)));
  });
}

/** The row's primary button. */
export function act(one: ConnectionView): void {
  const { id } = one;
  const drifted = one.used_in.find((place) => place.drift && (one.action_client === null || place.client === one.action_client));
  const client = one.action_client ?? drifted?.client ?? null;
  const open = (dialog: Dialog): void => {
    screen.dialog = dialog;
  };
  const details = (): void => {
    screen.selected = id;
  };
  const steps: Record<NextStep, () => void> = {
    check: () => void check([id]),
    renew: () => open({ kind: 'renew', id, token: one.renew_token, step: 'make' }),
    put_back: () => (client ? void putBack(id, client, drifted?.scope) : details()),
    sign_in: () => open({ kind: 'sign_in', id, token: toSignIn(one) }),
    finish: () => open({ kind: 'token', id }),
    edit: () => open({ kind: 'edit', id }),
    network: () => open({ kind: 'network', id }),
    choose_app: () => open({ kind: 'apps', id }),
    open_file: () => void reveal(app(client ?? '')?.path ?? ''),
    revoke_old: () => open(revocation(one)),
    nothing: details,
  };
  steps[one.action]();
}

/** One after the other: the oldest of the tokens that are still to be revoked. */
function revocation({ id, tokens }: ConnectionView): Dialog {
  const token = tokens.find((token) => token.old.length > 0) ?? tokens[0];
  return { kind: 'renew', id, token: token?.id ?? null, step: 'revoke', old: token?.old[0]?.id ?? null };
}

/** Follows the tray, a notification or a second start. An open wizard or dialog is not taken away by it. */
export function follow({ view, connection: id, token, action }: Navigate): void {
  if (screen.wizard || screen.dialog) return;
  if (action === 'connect') return startWizard();
  screen.view = view;
  screen.selected = id ?? null;
  const one = connection(id ?? null);
  if (action === 'check') void check(id ? [id] : []);
  if (action === 'sign_in' && one) screen.dialog = { kind: 'sign_in', id: one.id, token: token ?? toSignIn(one) };
  if (action === 'renew' && one) screen.dialog = { kind: 'renew', id: one.id, token: token ?? one.renew_token, step: 'make' };
}
