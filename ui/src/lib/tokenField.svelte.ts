/** A pasted token and what is said about it. The value lives only here, until it is handed over or dropped. */
import { asError } from '../backend';
import type { Error as CoreError } from '../bindings/Error';
import type { SecretField } from '../bindings/SecretField';
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
  /** What was pasted last was more than one line and not one token: nothing of it was kept. */
  lines = $state(false);
  /** The secrets that go along with this token, each in a header of its own. */
  beside = $state.raw<TokenPaste[]>([]);
  /** The core takes no token of another connection here, whatever the user says. */
  readonly strict: boolean;
  /** The header beside the token's that this is for; none for the token. */
  readonly header: string | null;

  #timer: ReturnType<typeof setTimeout> | undefined;
  #latest = 0;

  readonly #reused: CoreError | null = $derived(this.look?.warnings.find((warning) => this.strict && warning.code === 'token_reused') ?? null);
  readonly error: CoreError | null = $derived(this.refused ?? this.look?.errors[0] ?? this.#reused);
  readonly warnings: CoreError[] = $derived(this.look?.warnings.filter((warning) => warning !== this.#reused) ?? []);
  readonly ready: boolean = $derived(
    this.value.trim() !== '' && this.look !== null && this.error === null && (!this.warnings.length || this.overruled),
  );

  /** The token and what goes along with it. */
  readonly all: TokenPaste[] = $derived([this, ...this.beside]);
  readonly allReady: boolean = $derived(this.all.every((paste) => paste.ready));
  /** At least one is there, and each that is there is fit. */
  readonly anyReady: boolean = $derived(this.all.some((paste) => paste.ready) && this.all.every((paste) => paste.ready || (paste.value.trim() === '' && !paste.lines)));

  constructor(strict = false, header: string | null = null) {
    this.strict = strict;
    this.header = header;
  }

  /** One field for each of the secrets: what is pasted already stays. */
  shape(fields: SecretField[]): void {
    const headers = fields.flatMap(({ header }) => (header === null ? [] : [header]));
    const known = (header: string): TokenPaste | undefined => this.beside.find((paste) => paste.header === header);
    for (const paste of this.beside) if (!headers.includes(paste.header ?? '')) paste.clear();
    this.beside = headers.map((header) => known(header) ?? new TokenPaste(this.strict, header));
  }

  /** All that was pasted as the core takes it: several secrets stand one on a line, and an empty line gives none. */
  get given(): string {
    return this.beside.length ? this.all.map((paste) => paste.value.replace(/[\r\n]+/g, ' ')).join('\n') : this.value;
  }

  /** Whether an error is about one of these; it is then said at its field. */
  refuse(error: CoreError): boolean {
    const own = this.all.find(({ header }) => error.field === (header === null ? 'token' : `token:${header}`));
    if (own) own.refused = error;
    return own !== undefined;
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
    this.lines = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.inspect(provider, connection), PAUSE);
  }

  /** Takes what came over several lines, if the core knows it for one token that was wrapped. */
  async takeLines(text: string, provider: string, connection: string | null): Promise<void> {
    const one = text.replace(/\s+/g, ' ');
    this.#empty();
    const mine = this.#latest;
    const look = await this.#ask(one, provider, connection).catch(() => null);
    // Who has typed meanwhile is not interrupted.
    if (mine !== this.#latest || this.value !== '') return;
    if (look && !look.errors.length) Object.assign(this, { value: one, look });
    else this.lines = true;
  }

  async inspect(provider: string, connection: string | null): Promise<void> {
    const mine = ++this.#latest;
    clearTimeout(this.#timer);
    try {
      const look = await this.#ask(this.value, provider, connection);
      if (mine === this.#latest) Object.assign(this, { look, refused: null });
    } catch (thrown) {
      if (mine === this.#latest) this.refused = asError(thrown);
    }
  }

  #ask(value: string, provider: string, connection: string | null): Promise<TokenLookView> {
    return ask({ type: 'inspect_token', provider, connection, ...(this.header === null ? {} : { header: this.header }) }, 'token_look', value);
  }

  /** Looks at each that was not looked at yet. */
  async inspectAll(provider: string, connection: string | null): Promise<void> {
    await Promise.all(this.all.filter((paste) => !paste.ready).map((paste) => paste.inspect(provider, connection)));
    for (const paste of this.all) paste.tried = true;
  }

  clear(): void {
    for (const paste of this.all) paste.#empty();
  }

  #empty(): void {
    clearTimeout(this.#timer);
    this.#latest++;
    this.value = '';
    this.look = null;
    this.refused = null;
    this.overruled = false;
    this.tried = false;
    this.lines = false;
  }
}

/** Whether two pastes are one token, whatever stands around it. */
export function sameToken(one: string, other: string): boolean {
  return bare(one) !== '' && bare(one) === bare(other);
}

function bare(pasted: string): string {
  return pasted.replace(/[\s"'`]/g, '').replace(/^(authorization:)?(bearer)?/i, '');
}
