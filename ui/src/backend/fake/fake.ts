/** The fixture's state and what changes it. */
import type { ActivityKind } from '../../bindings/ActivityKind';
import type { Answer } from '../../bindings/Answer';
import type { ConnectionView } from '../../bindings/ConnectionView';
import type { Provider } from '../../bindings/Provider';
import type { Report } from '../../bindings/Report';
import type { Request } from '../../bindings/Request';
import type { Snapshot } from '../../bindings/Snapshot';
import { Failure } from '../index';
import { connection, oldToken, placed, report, token } from './fixtures';
import { slug } from './forms';

type Of<T extends Request['type']> = Extract<Request, { type: T }>;

export const done: Answer = { type: 'done' };

export class Fake {
  /** Requests that changed something, for tests. */
  readonly asked: Request[] = [];
  #cancelled = false;
  #keeps = false;
  #changes = 0;
  #before = new Map<string, ConnectionView[]>();

  constructor(
    public state: Snapshot,
    readonly catalog: Provider[],
  ) {}

  snapshot(): Snapshot {
    return structuredClone({ ...this.state, now: new Date().toISOString() });
  }

  opened(what: string): Promise<void> {
    const seen = ((globalThis as Record<string, unknown>)['opened'] ??= []) as string[];
    seen.push(what);
    return Promise.resolve();
  }

  cancelled(): boolean {
    const was = this.#cancelled;
    this.#cancelled = false;
    return was;
  }

  idOf(name: string): string {
    return slug(name);
  }

  one(id: string): ConnectionView {
    const found = this.state.connections.find((one) => one.id === id);
    if (!found) throw new Failure({ code: 'unknown_connection', message: id });
    return found;
  }

  checked(id: string): Report {
    const one = this.one(id);
    const fresh = report(one.last_check && one.status !== 'token_ends_soon' ? one.last_check.verdict : 'working', 0);
    one.last_check = fresh;
    if (one.status === 'unchecked') one.status = 'working';
    return fresh;
  }

  renew({ id, token: wanted }: Of<'renew'>, secret: string): Answer {
    const one = this.one(id);
    const renewed = one.tokens.find((each) => each.id === wanted) ?? one.tokens[0];
    if (!renewed) throw new Failure({ code: 'token_missing', message: id });
    this.#keeps = secret.includes('keep');
    this.#note('renewed', one);
    Object.assign(renewed, token(renewed.id, 90, { label: renewed.label, scopes: renewed.scopes, old: [...renewed.old, oldToken(0)], fingerprint: '0c22f19b7a31', used_by: renewed.used_by }));
    Object.assign(one, { status: 'old_token_to_revoke', group: 'needs_you', action: 'revoke_old', last_check: report('working', 0) });
    return { type: 'renewed', value: { id, before: report('working', 0), after: report('working', 0), token: renewed.id, old: renewed.old.at(-1)?.id ?? null, expires: renewed.expires, lasted_days: null, revoke_page: 'http://127.0.0.1:47115/tokens' } };
  }

  change(request: Request, secret: string): Answer {
    this.asked.push(request);
    switch (request.type) {
      case 'connect': return this.#connect(request, secret);
      case 'save_token': return this.#saveToken(request, secret);
      case 'place': return this.#place(request);
      case 'remove': return this.#remove(request);
      case 'edit': return this.#edit(request);
      case 'put_back':
      case 'keep': return this.#settle(request);
      case 'undo': return this.#undo(request);
      case 'retire_old': return this.#retire(request);
      case 'cancel_checks': this.#cancelled = true; return done;
      case 'curl': return { type: 'text', value: `curl -H "Authorization: Bearer $TOKEN" ${this.one(request.id).url}` };
      case 'set_settings': this.state.settings = request.settings; return done;
      case 'set_backend': this.state.secrets = { ...this.state.secrets, backend: request.backend, status: request.backend === 'keychain' ? 'ready' : 'vault_locked' }; return done;
      case 'vault_create': this.state.secrets = { backend: 'vault', status: 'ready', vault_exists: true }; return done;
      case 'vault_unlock': return this.#unlock(secret);
      case 'vault_lock': this.state.secrets.status = 'vault_locked'; return done;
      case 'dismiss_news': this.state.news = this.state.news.filter((one) => !request.ids.includes(one.id)); return done;
      case 'snooze': this.state.reminders = this.state.reminders.filter((one) => one.token !== request.token); return done;
      default: return done;
    }
  }

  #note(kind: ActivityKind, one: ConnectionView, clients: string[] = []): string {
    const id = `c-new-${++this.#changes}`;
    this.state.activity.unshift({ id, at: new Date().toISOString(), kind, connection: one.id, name: one.name, clients, paths: clients.map((client) => this.#path(client)), can_undo: kind !== 'renewed', undone: false });
    return id;
  }

  #path(client: string): string {
    return this.state.apps.find((app) => app.id === client)?.path ?? client;
  }

  /** Remembers how things were, so that the change can be undone. */
  #changing(change: (id: string) => { kind: ActivityKind; one: ConnectionView; clients: string[] }): Answer {
    const before = structuredClone(this.state.connections);
    const { kind, one, clients } = change('');
    const id = this.#note(kind, one, clients);
    this.#before.set(id, before);
    return { type: 'connected', value: { id: one.id, change: id, restart: kind === 'connected' ? clients : [], kept_in: [] } };
  }

  #connect({ connect }: Of<'connect'>, secret: string): Answer {
    const { backend, status } = this.state.secrets;
    if (secret && status !== 'ready') throw new Failure({ code: backend === 'vault' ? 'vault_locked' : 'keychain_absent', message: 'The token cannot be kept.' });
    const verdict = /refuse/.test(secret) ? 'token_refused' : connect.settings['url']?.includes('nowhere') ? 'wrong_address' : null;
    return this.#changing(() => {
      const id = slug(connect.name);
      const clients = connect.places.map((place) => place.client);
      const facts = { label: connect.token?.label ?? 'Token', scopes: connect.token?.scopes ?? [] };
      const one = connection(id, connect.name, connect.provider, { status: 'unchecked', last_check: verdict && report(verdict), settings: connect.settings, used_in: clients.map((client) => placed(client, id, { restart: true })), tokens: connect.token ? [token(`t-${id}`, connect.token.expires ? 90 : null, facts)] : [] });
      this.state.connections.push(one);
      return { kind: 'connected', one, clients };
    });
  }

  #saveToken({ id, token: facts, clients }: Of<'save_token'>, secret: string): Answer {
    if (/reject/.test(secret)) throw new Failure({ code: 'token_control_characters', message: 'rejected', field: 'token' });
    const one = this.one(id);
    one.tokens.push(token(`t-${id}-${one.tokens.length}`, 90, { label: facts.label ?? 'Token', scopes: facts.scopes, used_by: clients }));
    if (one.status === 'token_missing') Object.assign(one, { status: 'unchecked', group: 'working', action: 'check' });
    return { type: 'connected', value: { id, change: null, restart: [], kept_in: [] } };
  }

  #place({ id, places }: Of<'place'>): Answer {
    return this.#changing(() => {
      const one = this.one(id);
      one.used_in = places.map(({ client, wiring }) => placed(client, id, { wiring: wiring ?? 'bridge' }));
      Object.assign(one, places.length ? { group: 'working', status: 'unchecked', action: 'check' } : { group: 'off', status: 'unused', action: 'choose_app' });
      return { kind: places.length ? 'connected' : 'disconnected', one, clients: places.map((place) => place.client) };
    });
  }

  #remove({ id }: Of<'remove'>): Answer {
    return this.#changing(() => {
      const one = this.one(id);
      this.state.connections = this.state.connections.filter((other) => other !== one);
      return { kind: 'removed', one, clients: one.used_in.map((place) => place.client) };
    });
  }

  #edit({ id, name, settings }: Of<'edit'>): Answer {
    Object.assign(this.one(id), { name, settings, last_check: null });
    return { type: 'connected', value: { id, change: null, restart: [], kept_in: [] } };
  }

  #settle({ type, id, client }: Of<'put_back'> | Of<'keep'>): Answer {
    return this.#changing(() => {
      const one = this.one(id);
      for (const place of one.used_in) if (place.client === client) place.drift = null;
      Object.assign(one, { group: 'working', status: 'working', action: 'check', action_client: null });
      return { kind: type === 'keep' ? 'kept' : 'put_back', one, clients: [client] };
    });
  }

  #undo({ change }: Of<'undo'>): Answer {
    const before = change ? this.#before.get(change) : undefined;
    const entry = this.state.activity.find((one) => one.id === change);
    if (!entry) throw new Failure({ code: 'unknown_change', message: String(change) });
    if (before) this.state.connections = before;
    Object.assign(entry, { undone: true, can_undo: false });
    return { type: 'connected', value: { id: entry.connection, change: null, restart: [], kept_in: [] } };
  }

  #retire({ id, token: wanted, old, force }: Of<'retire_old'>): Answer {
    const refused = !this.#keeps;
    if (refused || force) {
      const one = this.one(id);
      for (const each of one.tokens) if (each.id === wanted) each.old = each.old.filter((one) => old && one.id !== old);
      Object.assign(one, { group: 'working', status: 'working', action: 'check' });
    }
    return { type: 'retired', value: { refused, unverified: false, report: null } };
  }

  #unlock(secret: string): Answer {
    if (secret === 'wrong') throw new Failure({ code: 'vault_passphrase', message: 'Wrong.' });
    this.state.secrets.status = 'ready';
    return done;
  }
}
