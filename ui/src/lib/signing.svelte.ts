/**
 * A sign-in: what it is to be made with, how far it has come, and how to stop it. The shell opens the browser; the
 * secret of a client lives only here, until it is handed over or dropped.
 */
import type { Answer } from '../bindings/Answer';
import type { ConnectionView } from '../bindings/ConnectionView';
import type { Grant } from '../bindings/Grant';
import type { Provider } from '../bindings/Provider';
import type { Request } from '../bindings/Request';
import type { SignInStep } from '../bindings/SignInStep';
import type { SignInView } from '../bindings/SignInView';
import type { SignInWith } from '../bindings/SignInWith';
import { words } from '../i18n';
import { ask, backend } from './state.svelte';

type Asked<K extends Answer['type']> = Awaited<ReturnType<typeof ask<K>>>;

export class Signing {
  /** How far it has come; nothing while none is under way. */
  step = $state.raw<SignInStep | null>(null);
  /** The system could not open the page. */
  closed = $state(false);
  /** The user has a client of their own. */
  own = $state(false);
  clientId = $state('');
  secret = $state('');
  /** The client signs in by itself, without anybody. */
  itself = $state(false);
  /** The user wanted to go on: what is missing may be said. */
  tried = $state(false);
  /** A client that was used before: its secret is still there. */
  readonly #before: SignInView | null;
  /** It was signed out of: its secret is gone. */
  readonly #left: boolean;
  #id = '';

  readonly page: string | null = $derived(this.step?.step === 'browser' ? this.step.url : null);

  constructor(service: Provider | undefined | null, before: SignInView | null = null, left: SignInView | null = null) {
    this.#left = !before;
    before ??= left;
    this.#before = before;
    this.own = service?.sign_in?.own_client === 'must' || !!before?.own_client;
    this.clientId = before?.own_client ?? '';
    this.itself = before?.grant === 'client_credentials';
  }

  /** How it will be signed in. */
  get way(): Grant {
    const before = this.#before?.grant;
    // Who vouched for the user does so again: that is set up on the command line.
    if (before === 'company' || before === 'platform') return before;
    return this.own && this.itself ? 'client_credentials' : 'authorization_code';
  }

  /** The one command for a way that the window cannot go. */
  get command(): string | null {
    return this.#before?.command ?? null;
  }

  /** Whether the browser is needed for it. */
  get browser(): boolean {
    return this.way === 'authorization_code' || this.way === 'company';
  }

  get keepsSecret(): boolean {
    return !this.#left && !!this.#before?.own_client && this.#before.own_client === this.clientId.trim();
  }

  get idMissing(): string | null {
    return this.own && !this.clientId.trim() ? words.signIn.own.missing : null;
  }

  /** A person can sign in with a client that has no secret; a client by itself cannot. */
  get secretMissing(): string | null {
    return this.own && this.itself && !this.secret.trim() && !this.keepsSecret ? words.signIn.own.secretMissing : null;
  }

  get ready(): boolean {
    return !this.idMissing && !this.secretMissing;
  }

  get with(): SignInWith {
    return { grant: this.way, client_id: this.own ? this.clientId.trim() : null, scopes: [] };
  }

  /** Asks for the sign-in of this connection and follows it. Rejects as the request does. */
  async run<K extends Answer['type']>(id: string, request: Request, kind: K): Promise<Asked<K>> {
    this.#id = id;
    this.closed = false;
    this.step = { step: 'asking' };
    const end = backend().on('sign_in_progress', (heard) => {
      if (heard.id !== id) return;
      this.step = heard.step;
      this.closed = !heard.opened;
    });
    try {
      return await ask(request, kind, this.own && this.secret.trim() ? this.secret.trim() : undefined);
    } finally {
      end();
      this.step = null;
    }
  }

  /** Stops it, if one is under way: nothing is changed then. */
  async stop(): Promise<void> {
    if (this.step) await ask({ type: 'cancel_sign_in', id: this.#id }, 'done');
  }

  async openAgain(): Promise<void> {
    if (!this.page) return;
    try {
      await backend().openLink(this.page);
      this.closed = false;
    } catch {
      this.closed = true;
    }
  }

  /** Drops the secret. */
  forget(): void {
    this.secret = '';
  }
}

/** Whether people can sign in to a service, or may at least try. */
export function mayOffer(service: Provider | undefined | null): boolean {
  return !!service?.sign_in && service.sign_in.offered !== 'no';
}

/** The credential that a sign-in is about: one that needs it, else the one that the last check was about. */
export function toSignIn(one: ConnectionView): string | null {
  const needing = one.tokens.find((token) => token.sign_in?.needed);
  const signed = one.tokens.find((token) => token.sign_in);
  return (needing ?? signed)?.id ?? one.renew_token;
}
