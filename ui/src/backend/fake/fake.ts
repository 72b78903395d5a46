/** The fixture's state and what changes it. */
import type { ActivityKind } from '../../bindings/ActivityKind';
import type { Answer } from '../../bindings/Answer';
import type { ConnectionView } from '../../bindings/ConnectionView';
import type { FoundView } from '../../bindings/FoundView';
import type { Provider } from '../../bindings/Provider';
import type { NetworkChoice } from '../../bindings/NetworkChoice';
import type { Report } from '../../bindings/Report';
import type { Request } from '../../bindings/Request';
import type { Snapshot } from '../../bindings/Snapshot';
import type { StaysView } from '../../bindings/StaysView';
import type { TokenView } from '../../bindings/TokenView';
import { Failure } from '../index';
import { connection, oldToken, placed, report, signedIn, token } from './fixtures';
import { secrets, slug } from './forms';

type Of<T extends Request['type']> = Extract<Request, { type: T }>;

export const STAYS: StaysView[] = [{ client: 'codex', client_name: 'Codex', scope: { kind: 'user' }, entry: 'invoices', path: '/home/user/.codex/config.toml', why: 'changed' }];

export const done: Answer = { type: 'done' };

export class Fake {
  /** Requests that changed something, for tests. */
  readonly asked: Request[] = [];
  #cancelled = false;
  #keeps = false;
  #changes = 0;
  /** What was found, by the connection that was made of it. */
  #brought = new Map<string, string>();
  #before = new Map<string, ConnectionView[]>();

  constructor(
    public state: Snapshot,
    readonly catalog: Provider[],
    readonly findings: FoundView[] = [],
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
    const meant = one.tokens.find((each) => each.id === wanted) ?? one.tokens[0];
    const slots = one.secrets?.length ? one.secrets.map(({ header }) => one.tokens.find((each) => (each.header ?? null) === header)) : [meant];
    const lines = one.secrets?.length ? secret.split('\n') : [secret];
    const given = slots.filter((each, n) => each !== undefined && !!lines[n]?.trim()) as TokenView[];
    const [renewed] = given;
    if (!renewed) throw new Failure({ code: 'token_missing', message: id });
    this.#keeps = secret.includes('keep');
    this.#note('renewed', one);
    for (const { id: own, label, scopes, old, used_by, header } of given)
      Object.assign(given.find((each) => each.id === own) ?? {}, token(own, 90, { label, scopes, old: [...old, oldToken(0)], fingerprint: '0c22f19b7a31', used_by, ...(header ? { header } : {}) }));
    const also = given.slice(1).map((each) => ({ token: each.id, label: each.label, old: each.old.at(-1)?.id ?? null, expires: each.expires }));
    Object.assign(one, { status: 'old_token_to_revoke', group: 'needs_you', action: 'revoke_old', last_check: report('working', 0) });
    return { type: 'renewed', value: { id, before: report('working', 0), after: report('working', 0), token: renewed.id, old: renewed.old.at(-1)?.id ?? null, expires: renewed.expires, ...(also.length ? { also } : {}), lasted_days: null, revoke_page: 'http://127.0.0.1:47115/tokens' } };
  }

  change(request: Request, secret: string): Answer {
    this.asked.push(request);
    switch (request.type) {
      case 'connect': return this.#connect(request, secret);
      case 'connect_signed_in': return this.#connectSignedIn(request);
      case 'sign_in': return this.#signIn(request);
      case 'sign_out': return this.#signOut(request);
      case 'sign_out_at': return this.#signOutAt(request.url);
      case 'save_token': return this.#saveToken(request, secret);
      case 'import': return this.#import(request);
      case 'copy': return this.#copy(request);
      case 'set_expiry': return this.#setExpiry(request);
      case 'place': return this.#place(request);
      case 'remove': return this.#remove(request);
      case 'edit': return this.#edit(request);
      case 'put_back':
      case 'keep': return this.#settle(request);
      case 'undo': return this.#undo(request);
      case 'retire_old': return this.#retire(request);
      case 'reopen': return this.#reopen(request.client);
      case 'purge_tokens': return this.#purge(request.change);
      case 'leave': return this.#leave(request.choice.keep_working);
      case 'cancel_checks': this.#cancelled = true; return done;
      case 'curl': return { type: 'text', value: `curl -H "Authorization: Bearer $TOKEN" ${this.one(request.id).url}` };
      case 'snippet': return { type: 'text', value: `extensions:\n  ${request.id}:\n    cmd: patchbay\n    args: [bridge, ${request.id}]\n` };
      case 'set_settings': this.state.settings = request.settings; return done;
      case 'set_network': return this.#network(request, secret);
      case 'test_network': return this.#reached(request, secret);
      case 'set_backend': this.state.secrets = { ...this.state.secrets, backend: request.backend, status: request.backend === 'keychain' ? 'ready' : 'vault_locked' }; return done;
      case 'vault_create': this.state.secrets = { backend: 'vault', status: 'ready', vault_exists: true }; return done;
      case 'vault_unlock': return this.#unlock(secret);
      case 'vault_lock': this.state.secrets.status = 'vault_locked'; return done;
      case 'dismiss_news': this.state.news = this.state.news.filter((one) => !request.ids.includes(one.id)); return done;
      case 'snooze': this.state.reminders = this.state.reminders.filter((one) => one.token !== request.token); return done;
      default: return done;
    }
  }

  /** Addresses with `nonsense` and files with `nowhere` in them are refused. */
  #network({ id, network }: Pick<Of<'set_network'>, 'id' | 'network'>, secret: string): Answer {
    unfit(network);
    const saved = network && structuredClone(network);
    if (saved?.proxy.kind === 'own' && secret) saved.proxy.password = 'n-00000000';
    if (id) this.one(id).network = saved;
    else this.state.settings.network = saved ?? { proxy: { kind: 'system' }, except: [], certificates: [] };
    return done;
  }

  /** Passwords with `refuse` in them are refused. */
  #reached({ id, network }: Of<'test_network'>, secret: string): Answer {
    unfit(network);
    const ids = id ? [id] : this.state.connections.slice(0, 2).map((one) => one.id);
    const found = report(/refuse/.test(secret) ? 'proxy_sign_in_refused' : 'working', 0);
    return { type: 'reports', value: ids.map((each) => ({ id: each, token: null, report: found })) };
  }

  #note(kind: ActivityKind, one: ConnectionView, clients: string[] = []): string {
    const id = `c-new-${++this.#changes}`;
    this.state.activity.unshift({ id, at: new Date().toISOString(), kind, connection: one.id, name: one.name, clients, paths: clients.map((client) => this.#path(client)), can_undo: kind !== 'renewed', undone: false, scopes: [], renamed: null, obstacle: null, holds_token: false });
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
    return { type: 'connected', value: { id: one.id, change: id, restart: kind === 'connected' ? clients : [], kept_in: [], token_missing: false } };
  }

  #connect({ connect }: Of<'connect'>, secret: string): Answer {
    const { backend, status } = this.state.secrets;
    if (secret && status !== 'ready') throw new Failure({ code: backend === 'vault' ? 'vault_locked' : 'keychain_absent', message: 'The token cannot be kept.' });
    const verdict = /refuse/.test(secret) ? 'token_refused' : connect.settings['url']?.includes('nowhere') ? 'wrong_address' : null;
    return this.#changing(() => {
      const id = slug(connect.name);
      const clients = connect.places.map((place) => place.client);
      const facts = { label: connect.token?.label ?? 'Token', scopes: connect.token?.scopes ?? [] };
      const days = connect.token?.expires ? 90 : null;
      const fields = secrets(connect.provider, connect.settings);
      const beside = fields.slice(1).map(({ header, label }, n) => token(`t-${id}-${n + 2}`, days, { label, scopes: [], used_by: clients, fingerprint: '77b0e1c25a90', ...(header ? { header } : {}) }));
      const one = connection(id, connect.name, connect.provider, { status: 'unchecked', last_check: verdict && report(verdict), settings: connect.settings, used_in: clients.map((client) => placed(client, id, { restart: true })), tokens: connect.token ? [token(`t-${id}`, days, { ...facts, used_by: clients }), ...beside] : [], ...(fields.length ? { secrets: fields } : {}) });
      this.state.connections.push(one);
      return { kind: 'connected', one, clients };
    });
  }

  #connectSignedIn({ connect, with: how }: Of<'connect_signed_in'>): Answer {
    return this.#changing(() => {
      const id = slug(connect.name);
      const clients = connect.places.map((place) => place.client);
      const one = connection(id, connect.name, connect.provider, { status: 'unchecked', last_check: null, settings: connect.settings, used_in: clients.map((client) => placed(client, id, { restart: true })), tokens: [signedIn(`t-${id}`, { at: new Date().toISOString(), own_client: how.client_id })] });
      this.state.connections.push(one);
      return { kind: 'connected', one, clients };
    });
  }

  #signIn({ id, token: wanted, with: how }: Of<'sign_in'>): Answer {
    const one = this.one(id);
    const before = one.tokens.find((each) => each.id === wanted);
    const made = signedIn(before?.sign_in ? before.id : `t-${id}-new`, { ...before?.sign_in, at: new Date().toISOString(), grant: how.grant ?? 'authorization_code', own_client: how.client_id, needed: null, asks: [] }, { used_by: before?.used_by ?? [], old: before && !before.sign_in ? [oldToken(0)] : [] });
    one.tokens = before ? one.tokens.map((each) => (each === before ? made : each)) : [made];
    const old = made.old.length > 0;
    Object.assign(one, { status: old ? 'old_token_to_revoke' : 'working', group: old ? 'needs_you' : 'working', action: old ? 'revoke_old' : 'check', last_check: report('working', 0), renew_token: made.id });
    this.#note('signed_in', one);
    return { type: 'signed_in', value: { id, token: made.id, report: report('working', 0) } };
  }

  #signOut({ id, token: wanted }: Of<'sign_out'>): Answer {
    const one = this.one(id);
    one.tokens = one.tokens.filter((each) => each.id !== wanted);
    Object.assign(one, { status: 'signed_out', group: 'needs_you', action: 'sign_in', last_check: null });
    this.#note('signed_out', one);
    return { type: 'signed_out', value: { id, revoked: one.provider === 'retently' } };
  }

  #signOutAt(url: string): Answer {
    this.state.sign_ins = (this.state.sign_ins ?? []).filter((one) => one.url !== url);
    return { type: 'signed_out', value: { id: url, revoked: true } };
  }

  #saveToken({ id, token: facts, clients }: Of<'save_token'>, secret: string): Answer {
    if (/reject/.test(secret)) throw new Failure({ code: 'token_control_characters', message: 'rejected', field: 'token' });
    const one = this.one(id);
    one.tokens.push(token(`t-${id}-${one.tokens.length}`, 90, { label: facts.label ?? 'Token', scopes: facts.scopes, used_by: clients }));
    if (one.status === 'token_missing' || one.status === 'signed_out') Object.assign(one, { status: 'unchecked', group: 'working', action: 'check' });
    return { type: 'connected', value: { id, change: null, restart: [], kept_in: [], token_missing: false } };
  }

  found(): FoundView[] {
    const known = new Set(this.state.connections.map((one) => this.#brought.get(one.id)));
    return this.findings.filter((one) => !known.has(one.id)).map((one) => structuredClone(one));
  }

  foundOne(id: string): FoundView {
    const one = this.found().find((one) => one.id === id);
    if (!one) throw new Failure({ code: 'file_changed', message: id });
    return one;
  }

  copied(from: string | null, to: string): ConnectionView[] {
    return this.state.connections.filter(({ used_in }) => !used_in.some(({ client }) => client === to) && (from === null || used_in.some(({ client }) => client === from)));
  }

  #import({ import: { id, name } }: Of<'import'>): Answer {
    const found = this.foundOne(id);
    return this.#changing(() => {
      const clients = found.entries.filter((entry) => !entry.left).map((entry) => entry.client);
      const own = slug(name ?? found.name);
      const state = found.program ? { status: 'started_by_app', action: 'nothing' } as const : { status: 'unchecked', action: 'check' } as const;
      const one = connection(own, name ?? found.name, found.provider, { ...state, last_check: null, used_in: clients.map((client) => placed(client, own)), tokens: found.tokens.map((held, n) => token(`t-${own}-${n}`, null, { label: held.name, scopes: [] })) });
      this.#brought.set(one.id, id);
      this.state.connections.push(one);
      return { kind: 'imported', one, clients };
    });
  }

  #copy({ from, to }: Of<'copy'>): Answer {
    const done = this.copied(from, to).map((one) => {
      one.used_in.push(placed(to, one.id));
      return { id: one.id, change: null, restart: [], kept_in: [], token_missing: false };
    });
    return { type: 'copied', value: { done, left: [] } };
  }

  #setExpiry({ id, token: wanted, expires }: Of<'set_expiry'>): Answer {
    const token = this.one(id).tokens.find((each) => each.id === wanted);
    if (token) token.expires = expires ? { at: `${expires}T23:59:59Z`, source: 'declared' } : null;
    return done;
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
    return { type: 'connected', value: { id, change: null, restart: [], kept_in: [], token_missing: false } };
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
    return { type: 'connected', value: { id: entry.connection, change: null, restart: [], kept_in: [], token_missing: false } };
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

  #reopen(client: string): Answer {
    const app = this.state.apps.find(({ id }) => id === client);
    if (!app?.restart?.reopen) throw new Failure({ code: 'reopen_by_hand', message: client });
    Object.assign(app, { since: new Date().toISOString(), restart: null });
    return done;
  }

  #purge(change: string | null): Answer {
    const marked = this.state.activity.filter((one) => one.holds_token && (change === null || one.id === change));
    for (const one of marked) one.holds_token = false;
    return { type: 'purged', value: { changes: marked.length, lost: 0 } };
  }

  #leave(keep: boolean): Answer {
    const entries = this.state.connections.flatMap((one) => one.used_in).length;
    const tokens = this.state.connections.flatMap((one) => one.tokens).length;
    this.state.connections = [];
    return { type: 'left', value: { taken_out: keep ? 0 : entries, released: keep ? entries : 0, stays: STAYS, tokens, login_ended: false, restart: ['claude-desktop', 'codex'], data_dir: this.state.data_dir } };
  }

  #unlock(secret: string): Answer {
    if (secret === 'wrong') throw new Failure({ code: 'vault_passphrase', message: 'Wrong.' });
    this.state.secrets.status = 'ready';
    return done;
  }
}

function unfit(network: NetworkChoice | null): void {
  if (network?.proxy.kind === 'own' && /nonsense/.test(network.proxy.address)) throw new Failure({ code: 'proxy_invalid', message: 'This is no proxy’s address.', hint: 'Give it as http://host:port.', field: 'proxy' });
  const path = network?.certificates.find((each) => /nowhere/.test(each));
  if (path) throw new Failure({ code: 'certificate_unfit', message: `There is no such certificate file: ${path}`, hint: 'Choose the file again, or take it out under Network in Patchbay\u2019s settings.', path, field: 'certificates' });
}
