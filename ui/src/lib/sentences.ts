/** A connection's state in one sentence, and how it looks. */
import type { AppView } from '../bindings/AppView';
import type { ConnectionView } from '../bindings/ConnectionView';
import type { DriftView } from '../bindings/DriftView';
import type { EntryScope } from '../bindings/EntryScope';
import type { Status } from '../bindings/Status';
import type { TokenView } from '../bindings/TokenView';
import { listed, words } from '../i18n';
import { ago } from './format';

/** Colour and shape always go together: neither alone carries the meaning. */
export type Tone = 'good' | 'old' | 'warn' | 'bad' | 'off' | 'idle';

const TONES: Record<Status, Tone> = {
  working: 'good',
  worked_before: 'old',
  unchecked: 'idle',
  unused: 'off',
  token_missing: 'warn',
  token_unreadable: 'warn',
  token_ended: 'bad',
  token_ends_soon: 'warn',
  token_refused: 'bad',
  not_allowed: 'bad',
  needs_browser_sign_in: 'warn',
  sign_in_needed: 'warn',
  signed_out: 'warn',
  signed_in_by_apps: 'idle',
  not_mcp: 'bad',
  wrong_address: 'bad',
  unreachable: 'bad',
  tls_not_trusted: 'bad',
  proxy_unreachable: 'bad',
  proxy_sign_in_needed: 'warn',
  proxy_sign_in_refused: 'bad',
  proxy_forbids: 'bad',
  proxy_needed: 'warn',
  too_slow: 'warn',
  service_error: 'bad',
  changed_outside: 'warn',
  file_broken: 'warn',
  old_token_to_revoke: 'warn',
  started_by_app: 'idle',
};

export function tone(status: Status): Tone {
  return TONES[status];
}

/** The days of the token that ends first. */
export function daysLeft(one: ConnectionView): number | null {
  const days = one.tokens.map((token) => token.days_left).filter((left) => left !== null);
  return days.length ? Math.min(...days) : null;
}

/** The token that the service refused at the last check: the one that a renewal is about, unless that one has ended. */
export function refusedToken(one: ConnectionView): TokenView | undefined {
  if (one.last_check?.verdict !== 'token_refused') return undefined;
  return one.tokens.find((token) => token.id === one.renew_token && (!token.ended || one.tokens.length === 1));
}

/** What works, and of which apps nobody can tell, because their entry was changed by hand and kept so. */
function usable({ used_in }: ConnectionView, appName: (id: string) => string): string {
  const names = (kept: boolean): string[] => used_in.filter((place) => place.kept === kept).map((place) => appName(place.client));
  const [ours, kept] = [names(false), names(true)];
  const sure = ours.length ? words.connections.usable(listed(ours)) : '';
  const unsure = kept.length ? words.connections.keptForm(listed(kept)) : '';
  return [sure, unsure].filter(Boolean).join('. ');
}

export function sentence(one: ConnectionView, appName: (id: string) => string, now: string): string {
  const days = daysLeft(one);
  const client = one.action_client;
  if (one.status === 'token_ends_soon' && days !== null) return words.connections.endsSoon(days);
  if (one.status === 'token_ended' && days !== null) return words.connections.endedSince(-days);
  if (one.status === 'changed_outside' && client) return words.connections.driftIn(appName(client));
  if (one.status === 'file_broken' && client) return words.connections.brokenIn(appName(client));
  const refused = one.tokens.length > 1 ? (refusedToken(one)?.used_by ?? []) : [];
  if (one.status === 'token_refused' && refused.length) return words.connections.refused(listed(refused.map(appName)), refused.length);
  if (one.status === 'worked_before') return words.connections.worked(past(one.last_check?.at, now));
  if (one.status === 'working') return usable(one, appName);
  return words.status[one.status];
}

/** How long ago, where that can be told: a clock that was set back makes it lie ahead. */
function past(at: string | undefined, now: string): string | null {
  return at && Date.parse(at) <= Date.parse(now) ? ago(at, now) : null;
}

/** What was done to one field, by what the field is for. */
function fieldSentence(field: string, name: string): string {
  const kind = /^(command|args|env|cwd)$/.test(field) ? 'starts' : /url$/i.test(field) ? 'address' : 'changed';
  return words.drift[kind](name);
}

/** What somebody did to an entry. */
export function driftSentence(drift: DriftView, appName: (id: string) => string): string {
  const { kind, fields, entries, other } = drift;
  const name = appName(drift.client);
  const names = listed(entries.map(words.drift.quoted));
  const more = (n: number): string => (n > 0 ? ` ${words.drift.more(n)}` : '');
  if (kind === 'changed') return fieldSentence(fields[0]?.name ?? '', name) + more(fields.length - 1);
  if (kind === 'renamed') return words.drift.renamed(name, entries[0] ?? '') + more(fields.length);
  if (kind === 'duplicated') return words.drift.duplicated(name, names);
  if (kind === 'moved') return words.drift.moved(name, other ? words.scope[other.kind](folder(other)) : '') + more(fields.length);
  if (kind === 'file_moved' && entries.length) return words.drift.file_moved_along(name);
  return words.drift[kind](name);
}

/** What the two answers to a change do; none where the file has to be mended first. */
export function driftAnswers(drift: DriftView, appName: (id: string) => string): { putBack: string; keep: string } | null {
  const along = drift.kind === 'file_moved' && drift.entries.length > 0 ? 'file_moved_along' : drift.kind;
  const [putBack, keep] = [words.drift.putBack[drift.kind], words.drift.keep[along]];
  return putBack && keep ? { putBack, keep: keep(appName(drift.client)) } : null;
}

/** The folder that entries are for, where they are for one. */
export function folder(scope: EntryScope): string {
  return 'folder' in scope ? scope.folder : '';
}

/** What the user does to have an app read its settings again. */
export function restartWords({ name, restart }: AppView): string {
  const by = restart?.words ?? { kind: 'other' };
  return by.kind === 'terminal' ? words.restart.terminal(name, by.command) : words.restart[by.kind](name);
}
