/**
 * The wizard's answers and its way through the steps. Nothing is kept anywhere until *Connect*: leaving before that drops
 * it all, the tokens first.
 */
import { asError } from '../../backend';
import type { Connect } from '../../bindings/Connect';
import type { Connected } from '../../bindings/Connected';
import type { Error as CoreError } from '../../bindings/Error';
import type { PlanView } from '../../bindings/PlanView';
import type { Provider } from '../../bindings/Provider';
import type { Report } from '../../bindings/Report';
import type { SecretField } from '../../bindings/SecretField';
import type { TokenFacts } from '../../bindings/TokenFacts';
import { words } from '../../i18n';
import { answered, defaults, endMissing, fill, takenApart } from '../../lib/fields';
import { LiveForm, type Answers } from '../../lib/form.svelte';
import { Places } from '../../lib/places.svelte';
import { mayOffer, Signing } from '../../lib/signing.svelte';
import { appName, ask, data, provider, refresh } from '../../lib/state.svelte';
import type { TokenPaste } from '../../lib/tokenField.svelte';
import { Pastes } from './pastes.svelte';

export const STEPS = ['service', 'details', 'make', 'paste', 'apps', 'review', 'check'] as const;
export type Step = (typeof STEPS)[number];

export class Wizard {
  step = $state<Step>('service');
  service = $state.raw<Provider | null>(null);
  name = $state('');
  settings = $state<Record<string, string>>({});
  scopes = $state<string[]>([]);
  perApp = $state(false);
  /** The service is used without a token. */
  tokenless = $state(false);
  /** The user signs in with the browser, in place of a token. */
  signsIn = $state(false);
  signing = $state.raw(new Signing(null));
  readonly pastes = new Pastes(() => this.clients);
  places = $state.raw<Places>(new Places([]));
  plan = $state.raw<PlanView | null>(null);
  connected = $state.raw<Connected | null>(null);
  report = $state.raw<Report | null>(null);
  busy = $state(false);
  error = $state.raw<CoreError | null>(null);
  readonly live = new LiveForm();
  #named = false;
  #going = false;
  /** What the token is called, once the user has gone to make it. */
  #label = $state<string | null>(null);

  /** With one token for each app the apps are chosen first: each token is pasted for its app. */
  readonly order: Step[] = $derived(
    this.signsIn ? STEPS.filter((step) => step !== 'paste') : this.perApp ? ['service', 'details', 'make', 'apps', 'paste', 'review', 'check'] : [...STEPS],
  );
  /** What has to be pasted, where it is more than a token. */
  readonly secrets: SecretField[] = $derived(this.live.form?.resolved?.secrets ?? []);
  readonly clients: string[] = $derived(this.places.list.map((place) => place.client));
  /** Every app signs in by itself: there is nothing for Patchbay to sign in to. */
  readonly byApps: boolean = $derived(this.signsIn && this.places.list.length > 0 && this.places.list.every((place) => place.wiring === 'client-oauth'));
  readonly optional: boolean = $derived(this.service !== null && !this.service.token.needed && !this.perApp && !this.secrets.length);
  readonly paste: TokenPaste = $derived(this.pastes.now);
  readonly position: number = $derived(this.order.indexOf(this.step));
  /** The apps that are connected and use the first app's token, because their own is not saved yet. */
  readonly unsaved: string[] = $derived(this.connected ? this.pastes.unsaved : []);

  constructor(start: string | null, settings: Record<string, string>) {
    this.places = new Places(data.snapshot?.apps ?? []);
    const given = start ? provider(start) : undefined;
    if (given) void this.choose(given, settings);
  }

  async choose(service: Provider, settings: Record<string, string> = {}): Promise<void> {
    if (this.service?.id !== service.id) {
      this.settings = defaults(service, settings);
      this.scopes = service.presets.find((preset) => preset.recommended)?.scopes.slice() ?? service.presets[0]?.scopes.slice() ?? [];
      this.perApp = service.advice.per_app;
      this.tokenless = false;
      this.signing.forget();
      this.signing = new Signing(service);
      this.signsIn = mayOffer(service) && !!service.sign_in?.recommended;
      this.name = '';
      this.#named = false;
      this.#label = null;
      this.pastes.renew();
      this.live.all = false;
      this.live.touched = {};
    }
    this.service = service;
    this.step = 'details';
    const form = await this.resolve();
    // A service without a name of its own gets the user's, or several would be told apart by number alone.
    if (!this.#named && form && service.id !== 'custom') this.name = form.suggested_name;
  }

  named(): void {
    this.#named = true;
    this.soon();
  }

  get answers(): Answers {
    const service = this.service;
    return {
      provider: service?.id ?? '',
      settings: service ? answered(service, this.settings) : {},
      name: this.name.trim() || (this.#named ? '' : null),
      expires: this.paste.expires || null,
      scopes: [...this.scopes],
      token_name: this.labelFor(this.pastes.client) || null,
    };
  }

  soon(): void {
    this.live.soon(this.answers);
  }

  resolve() {
    return this.live.resolve(this.answers);
  }

  /** Puts the parts of a pasted address into their fields. */
  async takeApart(): Promise<void> {
    const { settings } = this.answers;
    const form = await this.resolve();
    const parts = form?.resolved && takenApart(settings, form.resolved.settings);
    if (parts) Object.assign(this.settings, parts);
  }

  /** What the token for one app is suggested to be called. */
  labelFor(client: string | undefined): string {
    const only = this.clients.length === 1 ? this.clients[0] : undefined;
    if (!this.perApp && this.#label !== null) return this.#label;
    const app = this.perApp ? client : only;
    return fill(this.service?.token_name ?? '', app ? appName(app) : words.wizard.make.allApps);
  }

  #facts(paste: TokenPaste, client: string | undefined): TokenFacts {
    return { label: this.labelFor(client) || null, scopes: [...this.scopes], expires: paste.end };
  }

  get connect(): Connect {
    const [first] = this.pastes.all;
    return {
      provider: this.service?.id ?? '',
      name: this.name.trim(),
      settings: this.answers.settings,
      places: this.places.list,
      token: first && !this.tokenless && !this.signsIn ? this.#facts(first, this.clients[0]) : null,
      overrule: this.pastes.overruled,
    };
  }

  /** One step on, if this one is done; otherwise its fields say why not. A second press while the first is still being looked at is the same press, and skips no step. */
  async next(): Promise<void> {
    if (this.#going) return;
    this.#going = true;
    try {
      await this.#forward();
    } finally {
      this.#going = false;
    }
  }

  async #forward(): Promise<void> {
    this.error = null;
    if (this.step === 'details' && !(await this.#detailsDone())) return;
    if (this.step === 'make' && !this.#signInFilled()) return;
    if (this.step === 'make') this.#made();
    if (this.step === 'paste' && !(await this.#pasteDone())) return;
    if (this.connected) return this.apply();
    if (this.step === 'apps') this.#forClients();
    if (this.step === 'paste' && this.perApp && this.pastes.nth < this.pastes.all.length - 1) {
      this.pastes.nth += 1;
      return;
    }
    if (this.step === 'review') return this.apply();
    this.step = this.order[this.position + 1] ?? this.step;
    if (this.step === 'review') await this.look();
  }

  back(): void {
    this.error = null;
    if (this.step === 'paste' && this.pastes.nth > 0) {
      this.pastes.nth -= 1;
      return;
    }
    this.step = this.order[this.position - 1] ?? this.step;
  }

  async #detailsDone(): Promise<boolean> {
    this.live.all = true;
    this.#named = true;
    const form = await this.resolve();
    if (this.live.failed) this.error = this.live.failed;
    return !!form && form.errors.length === 0;
  }

  async #pasteDone(): Promise<boolean> {
    if (this.tokenless) return true;
    const { paste } = this;
    await paste.inspectAll(this.service?.id ?? '', null);
    this.live.touched['expires'] = true;
    const form = await this.resolve();
    return paste.allReady && !this.pastes.twinOf(this.pastes.nth) && !form?.errors.some((error) => error.field === 'expires') && !endMissing(this.service, this.paste);
  }

  /** The sentence under the end date. */
  get endComplaint(): string | null {
    const missing = this.live.touched['expires'] && endMissing(this.service, this.paste);
    return this.live.complaint('expires') ?? (missing ? words.code.date_required.say : null);
  }

  /** The sentence about a token that two apps were given. */
  get twinComplaint(): string | null {
    const twin = this.perApp ? this.pastes.twinOf(this.pastes.nth) : null;
    return twin && words.wizard.paste.twin(appName(twin), appName(this.pastes.client ?? ''));
  }

  #forClients(): void {
    this.pastes.make(this.perApp && !this.signsIn ? this.clients.length : 1);
  }

  /** Between a sign-in and a token; what was pasted so far is dropped. */
  setSignsIn(signsIn: boolean): void {
    this.signsIn = signsIn;
    this.error = null;
    this.pastes.renew();
    this.signing.forget();
  }

  stepName(step: Step): string {
    return step === 'make' && mayOffer(this.service) ? words.signIn.step : words.wizard.steps[step];
  }

  #signInFilled(): boolean {
    this.signing.tried = true;
    return !this.signsIn || this.signing.ready;
  }

  setPerApp(each: boolean): void {
    this.perApp = each;
    this.tokenless = false;
    this.#label = null;
    if (!each) this.#forClients();
  }

  async look(): Promise<void> {
    if (this.connected) return;
    this.plan = null;
    await this.#try(async () => void (this.plan = await ask({ type: 'plan_connect', connect: this.connect }, 'plan')));
  }

  /** Connects with the first token, then saves the others; what is done stays done when it is tried again. */
  async apply(): Promise<void> {
    let nth = 0;
    const done = await this.#try(async () => {
      // Before anything is written.
      nth = this.tokenless || this.signsIn ? -1 : await this.pastes.unfit(this.service, this.connected !== null);
      if (nth >= 0) return;
      nth = 0;
      await this.#connectFirst();
      for (nth = 1; nth < this.pastes.all.length; nth += 1) await this.#saveFor(nth);
    });
    await refresh();
    if (!done) return this.#failed(nth);
    if (nth < this.pastes.all.length) return this.#pasteAgain(nth);
    this.forget();
    this.step = 'check';
    if (!this.byApps) await this.check();
  }

  async #connectFirst(): Promise<void> {
    const expected = this.plan?.expected ?? null;
    if (this.signsIn && !this.byApps) {
      const request = { type: 'connect_signed_in', connect: this.connect, with: this.signing.with, expected } as const;
      this.connected ??= await this.signing.run(this.live.form?.id ?? '', request, 'connected');
      return;
    }
    const secret = this.tokenless || this.signsIn ? undefined : this.pastes.all[0]?.given;
    this.connected ??= await ask({ type: 'connect', connect: this.connect, expected }, 'connected', secret);
  }

  #pasteAgain(nth: number): void {
    this.pastes.again(nth);
    this.step = 'paste';
  }

  /** Several secrets are one set for all apps. */
  #made(): void {
    if (this.secrets.length && this.perApp) this.setPerApp(false);
    this.#label = this.labelFor(undefined);
    this.paste.shape(this.secrets);
  }

  async #saveFor(nth: number): Promise<void> {
    const [client, paste] = [this.clients[nth], this.pastes.all[nth]];
    if (!client || !paste || !this.connected || this.pastes.isSaved(nth)) return;
    const token = this.#facts(paste, client);
    await ask({ type: 'save_token', id: this.connected.id, token, clients: [client] }, 'connected', paste.value);
    this.pastes.saved(client);
  }

  /** An error goes back to the step that can mend it; a file that changed meanwhile is shown anew. */
  async #failed(nth: number): Promise<void> {
    const error = this.error;
    if (error?.code === 'cancelled') this.error = null;
    else if (error?.code === 'sign_in_not_offered') this.#askForToken();
    else if (error?.field === 'client_secret') this.step = 'make';
    else if (error?.field?.startsWith('token') || error?.field === 'expires') {
      this.#pasteAgain(nth);
      if (this.paste.refuse(error)) this.error = null;
    } else if (this.connected) {
      // What is left is a token to be saved: no other step can mend that.
    } else if (error?.code === 'file_changed') {
      await this.look();
      this.error = error;
    } else if (error?.field === 'name' || this.service?.fields.some((field) => field.key === error?.field)) {
      this.step = 'details';
    }
  }

  /** The service lets nobody sign in: a token is the way that is left. */
  #askForToken(): void {
    const { error } = this;
    this.setSignsIn(false);
    this.error = error;
    this.step = 'make';
  }

  async check(): Promise<void> {
    const id = this.connected?.id;
    if (!id) return;
    this.report = null;
    data.progress[id] = [];
    await this.#try(async () => {
      const [checked] = await ask({ type: 'check', ids: [id] }, 'reports');
      this.report = checked?.report ?? null;
    });
    delete data.progress[id];
    await refresh();
  }

  async #try(action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await action();
      return true;
    } catch (thrown) {
      this.error = asError(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Drops every token. */
  forget(): void {
    this.pastes.clear();
    this.signing.forget();
  }

  /** Leaves: a sign-in that waits for the user is stopped. */
  leave(): void {
    void this.signing.stop();
    this.forget();
  }
}
