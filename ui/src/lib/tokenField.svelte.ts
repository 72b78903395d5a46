/** A pasted token and what is said about it. The value lives only here, until it is handed over or dropped. */
import { asError } from '../backend';
import type { Error as CoreError } from '../bindings/Error';
import type { TokenLookView } from '../bindings/TokenLookView';
import { ask } from './state.svelte';

const PAUSE = 120;

export class TokenPaste {
  value = $state('');
  look = $state.raw<TokenLookView | null>(null);
  overruled = $state(false);
  /** What the core said when the token was used. */
  refused = $state.raw<CoreError | null>(null);
  /** The end date, `YYYY-MM-DD`, or empty. */
  expires = $state('');

  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  readonly error: CoreError | null = $derived(this.refused ?? this.look?.errors[0] ?? null);
  readonly warnings: CoreError[] = $derived(this.look?.warnings ?? []);
  readonly ready: boolean = $derived(
    this.value.trim() !== '' && this.look !== null && !this.look.errors.length && (!this.look.warnings.length || this.overruled),
  );

  /** The end as the core takes it: what the token says itself goes before what was typed. */
  get end(): string | null {
    return this.look?.expires ?? (this.expires || null);
  }

  changed(provider: string, connection: string | null): void {
    this.look = null;
    this.refused = null;
    this.overruled = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.inspect(provider, connection), PAUSE);
  }

  async inspect(provider: string, connection: string | null): Promise<void> {
    const mine = ++this.#latest;
    clearTimeout(this.#timer);
    try {
      const look = await ask({ type: 'inspect_token', provider, connection }, 'token_look', this.value);
      if (mine === this.#latest) this.look = look;
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
  }
}
