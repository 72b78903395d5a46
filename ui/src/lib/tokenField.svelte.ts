/** A pasted token and what is said about it. The value lives only here, until it is handed over or dropped. */
import { asError } from '../backend';
import type { Error as CoreError } from '../bindings/Error';
import type { TokenLookView } from '../bindings/TokenLookView';
import { ask } from './state.svelte';

const PAUSE = 120;
/** In place of an end date, as the core takes it. */
const UNKNOWN_END = 'unknown';

export class TokenPaste {
  value = $state('');
  look = $state.raw<TokenLookView | null>(null);
  overruled = $state(false);
  /** What the core said when the token was used. */
  refused = $state.raw<CoreError | null>(null);
  /** The end date, `YYYY-MM-DD`, or empty. */
  expires = $state('');
  /** The user does not know the end, and was told what that means. */
  endless = $state(false);
  /** The user wanted to go on: what is missing may be said. */
  tried = $state(false);
  /** The core takes no token of another connection here, whatever the user says. */
  readonly strict: boolean;

  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  readonly #reused: CoreError | null = $derived(this.look?.warnings.find((warning) => this.strict && warning.code === 'token_reused') ?? null);
  readonly error: CoreError | null = $derived(this.refused ?? this.look?.errors[0] ?? this.#reused);
  readonly warnings: CoreError[] = $derived(this.look?.warnings.filter((warning) => warning !== this.#reused) ?? []);
  readonly ready: boolean = $derived(
    this.value.trim() !== '' && this.look !== null && this.error === null && (!this.warnings.length || this.overruled),
  );

  constructor(strict = false) {
    this.strict = strict;
  }

  /** The end as the core takes it: what the token says itself goes before what was typed. */
  get end(): string | null {
    return this.look?.expires ?? (this.endless ? UNKNOWN_END : this.expires || null);
  }

  changed(provider: string, connection: string | null): void {
    this.look = null;
    this.refused = null;
    this.overruled = false;
    this.tried = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.inspect(provider, connection), PAUSE);
  }

  async inspect(provider: string, connection: string | null): Promise<void> {
    const mine = ++this.#latest;
    clearTimeout(this.#timer);
    try {
      const look = await ask({ type: 'inspect_token', provider, connection }, 'token_look', this.value);
      if (mine === this.#latest) Object.assign(this, { look, refused: null });
    } catch (thrown) {
      if (mine === this.#latest) this.refused = asError(thrown);
    }
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#latest++;
    this.value = '';
    this.look = null;
    this.refused = null;
    this.tried = false;
  }
}

/** Whether two pastes are one token, whatever stands around it. */
export function sameToken(one: string, other: string): boolean {
  return bare(one) !== '' && bare(one) === bare(other);
}

function bare(pasted: string): string {
  return pasted.replace(/[\s"'`]/g, '').replace(/^(authorization:)?(bearer)?/i, '');
}
