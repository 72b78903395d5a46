/** The tokens as they are pasted in the wizard: one for all apps, or one for each of them. */
import { SvelteSet } from 'svelte/reactivity';
import type { Provider } from '../../bindings/Provider';
import { endMissing } from '../../lib/fields';
import { sameToken, TokenPaste } from '../../lib/tokenField.svelte';

export class Pastes {
  all = $state.raw<TokenPaste[]>([new TokenPaste()]);
  /** Which of them is being pasted. */
  nth = $state(0);
  /** The apps, in the order of their tokens. */
  readonly #clients: () => string[];
  /** Apps whose own token is saved already, should one in the middle fail. */
  readonly #saved = new SvelteSet<string>();

  readonly now: TokenPaste = $derived(this.all[this.nth] ?? new TokenPaste());
  readonly overruled: boolean = $derived(this.all.some((paste) => paste.all.some((one) => one.overruled)));

  constructor(clients: () => string[]) {
    this.#clients = clients;
  }

  /** The app whose token is pasted now. */
  get client(): string | undefined {
    return this.#clients()[this.nth];
  }

  /** Apps behind the first that have not got their own yet. */
  get unsaved(): string[] {
    return this.#clients().slice(1, this.all.length).filter((client) => !this.#saved.has(client));
  }

  /** As many as are wanted: the ones already pasted stay. */
  make(wanted: number): void {
    for (const extra of this.all.slice(wanted)) extra.clear();
    this.all = Array.from({ length: wanted }, (_, n) => this.all[n] ?? new TokenPaste(n > 0));
    this.nth = 0;
  }

  /** Begins with one, and nothing in it. */
  renew(): void {
    this.clear();
    this.all = [new TokenPaste()];
    this.nth = 0;
  }

  /** Goes to one of them and says what is wrong with it. */
  again(nth: number): void {
    this.nth = nth;
    for (const paste of this.now.all) paste.tried = true;
  }

  /** Another app whose token was pasted here once more. */
  twinOf(nth: number): string | null {
    const value = this.all[nth]?.value ?? '';
    const other = this.all.findIndex((paste, n) => n !== nth && sameToken(paste.value, value));
    return this.#clients()[other] ?? null;
  }

  /** The first that is not fit, all being looked at anew; -1 where all are. The first is done with once it is connected. */
  async unfit(service: Provider | null, connected: boolean): Promise<number> {
    const isDone = (n: number): boolean => (n === 0 ? connected : this.isSaved(n));
    const open = this.all.map((paste, n) => ({ paste, n })).filter(({ n }) => !isDone(n));
    await Promise.all(open.flatMap(({ paste }) => paste.all).map((paste) => paste.inspect(service?.id ?? '', null)));
    return open.find(({ paste, n }) => !paste.allReady || this.twinOf(n) || endMissing(service, paste))?.n ?? -1;
  }

  isSaved(nth: number): boolean {
    return this.#saved.has(this.#clients()[nth] ?? '');
  }

  saved(client: string): void {
    this.#saved.add(client);
  }

  /** Drops every token. */
  clear(): void {
    for (const paste of this.all) paste.clear();
  }
}
