/** The renewal: try the new token, swap, check again; then see the old one refused. At no step is a working token lost. */
import { asError } from '../../backend';
import type { ConnectionView } from '../../bindings/ConnectionView';
import type { Error as CoreError } from '../../bindings/Error';
import type { Renewed } from '../../bindings/Renewed';
import { words } from '../../i18n';
import { LiveForm } from '../../lib/form.svelte';
import { refusedToken } from '../../lib/sentences';
import { ask, backend, refresh } from '../../lib/state.svelte';
import { TokenPaste } from '../../lib/tokenField.svelte';

export type RenewStep = 'make' | 'working' | 'renewed' | 'revoke' | 'retired' | 'still_works' | 'unverified';

export class Renewal {
  step = $state<RenewStep>('make');
  /** Which of the three parts runs: trying, swapping, checking again. */
  stage = $state(0);
  asking = $state(false);
  error = $state.raw<CoreError | null>(null);
  done = $state.raw<Renewed | null>(null);
  /** The old token was let go of without the service's word. */
  forgotten = $state(false);
  readonly paste = new TokenPaste();
  readonly live = new LiveForm();
  readonly #one: ConnectionView;
  readonly #token: string | null;
  readonly #old: string | null;

  constructor(one: ConnectionView, token: string | null, begin: 'make' | 'revoke', old: string | null = null) {
    this.#one = one;
    this.#token = token ?? one.renew_token;
    this.#old = old;
    this.step = begin;
    this.live.all = true;
    this.paste.shape(one.secrets ?? []);
    this.resolve();
  }

  get token() {
    return this.#one.tokens.find((token) => token.id === this.#token);
  }

  /** Whether it is about a program that apps start, whose token nobody else tries. */
  get isProgram(): boolean {
    return this.#one.provider === 'program';
  }

  /** What has come of it, in a sentence. */
  success(names: (apps: string[]) => string): string {
    const apps = this.token?.used_by ?? [];
    return (this.isProgram ? words.renew.successProgram : words.renew.success)(names(apps), apps.length);
  }

  get revokePage(): string | null {
    return this.done?.revoke_page ?? this.live.form?.resolved?.revoke_page ?? null;
  }

  resolve(): void {
    const { provider, settings } = this.#one;
    const { scopes = [], label = null } = this.token ?? {};
    this.live.soon({ provider, settings, name: null, expires: this.paste.expires || null, scopes, token_name: label });
  }

  async renew(): Promise<void> {
    this.step = 'working';
    this.stage = 0;
    this.error = null;
    const stop = this.#watch();
    try {
      const { id } = this.#one;
      const request = { type: 'renew', id, token: this.#token, expires: this.paste.end, scopes: null } as const;
      this.done = await ask(request, 'renewed', this.paste.given);
      this.paste.clear();
      if (!this.#replaced.length) this.step = 'renewed';
      else if (!this.#over || !(await this.#retired())) this.step = 'revoke';
    } catch (thrown) {
      const error = asError(thrown);
      this.error = error.field?.startsWith('token:') && this.paste.refuse(error) ? null : error;
      this.step = 'make';
    } finally {
      stop();
      await refresh();
    }
  }

  /** Whether the token being renewed is known to work no more. */
  get #over(): boolean {
    const { token } = this;
    return !!token && (token.ended || refusedToken(this.#one)?.id === token.id);
  }

  /** The old token was refused before it was replaced: once the service says so again, nothing is left to be done. */
  async #retired(): Promise<boolean> {
    const { refused } = await this.#retireAll(false).catch(() => ({ refused: false }));
    if (refused) this.step = 'retired';
    return refused;
  }

  /** What was replaced and is still to be revoked, each with the token that took its place. */
  get #replaced(): { token: string; old: string | null }[] {
    const { done } = this;
    const all = done ? [done, ...(done.also ?? [])] : this.#token ? [{ token: this.#token, old: this.#old }] : [];
    return all.filter(({ old }) => !done || old !== null);
  }

  async #retireAll(force: boolean): Promise<{ refused: boolean; unverified: boolean }> {
    const all = { refused: true, unverified: false };
    for (const { token, old } of this.#replaced) {
      const { refused, unverified } = await ask({ type: 'retire_old', id: this.#one.id, token, old, force }, 'retired');
      all.refused &&= refused;
      all.unverified ||= unverified;
    }
    return all;
  }

  /** The first layer of a check is heard twice: of the check before the swap, and of the one after it. */
  #watch(): () => void {
    let checks = 0;
    return backend().on('check_progress', ({ id, layer }) => {
      if (id !== this.#one.id) return;
      if (layer.kind === 'name') checks += 1;
      this.stage = checks > 1 ? 2 : 0;
    });
  }

  async retire(force = false): Promise<void> {
    if (!this.#replaced.length) return;
    this.asking = true;
    this.error = null;
    try {
      const { refused, unverified } = await this.#retireAll(force);
      this.forgotten = force && !refused;
      this.step = refused || force ? 'retired' : unverified ? 'unverified' : 'still_works';
    } catch (thrown) {
      this.error = asError(thrown);
    } finally {
      this.asking = false;
      await refresh();
    }
  }
}
