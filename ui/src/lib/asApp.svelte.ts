/** One check the way an app does it: what would be started is seen first, then exactly that is started. */
import { asError } from '../backend';
import type { AsAppPlanView } from '../bindings/AsAppPlanView';
import type { AsAppReport } from '../bindings/AsAppReport';
import type { AsAppView } from '../bindings/AsAppView';
import type { EntryAt } from '../bindings/EntryAt';
import type { Error as CoreError } from '../bindings/Error';
import type { StartFinding } from '../bindings/StartFinding';
import { words } from '../i18n';
import { appName, ask, data } from './state.svelte';

export type Step = 'looking' | 'agree' | 'running' | 'done';

export class AsApp {
  step = $state<Step>('looking');
  plan = $state<AsAppPlanView | null>(null);
  result = $state<AsAppView | null>(null);
  error = $state<CoreError | null>(null);
  /** It was seen, and is another one now. */
  changed = $state(false);

  constructor(readonly at: EntryAt) {}

  /** Patchbay's own is started at once, a stranger's only after a yes; where nothing can be started, there is nothing to ask. */
  async look(): Promise<void> {
    this.step = 'looking';
    this.error = null;
    try {
      this.plan = await ask({ type: 'plan_as_app', at: this.at }, 'as_app_plan');
      this.step = 'agree';
      if (this.plan.ours || !this.plan.starts) await this.start();
    } catch (thrown) {
      this.error = asError(thrown);
    }
  }

  async start(): Promise<void> {
    if (!this.plan) return;
    this.step = 'running';
    this.error = null;
    this.changed = false;
    try {
      this.result = await ask({ type: 'check_as_app', at: this.at, expected: this.plan.expected }, 'as_app');
      this.step = 'done';
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'file_changed') {
        this.changed = true;
        await this.look();
      } else {
        this.step = 'agree';
        this.error = error.code === 'cancelled' ? null : error;
      }
    }
  }

  async stop(): Promise<void> {
    if (this.step === 'running') await ask({ type: 'cancel_checks' }, 'done');
  }
}

/** What was found last of an entry that is still the same. */
export function lastAsApp(at: EntryAt): AsAppView | undefined {
  const same = (one: AsAppView): boolean => one.client === at.client && one.entry === at.entry && JSON.stringify(one.scope) === JSON.stringify(at.scope);
  return data.snapshot?.as_app.find(same);
}

/** What came of it, in a sentence; it may be that only the app can tell. */
export function cameWords({ works, open }: Pick<AsAppReport, 'works' | 'open'>, app: string): string {
  if (works) return words.asApp.good(app);
  return open ? words.asApp.only(app) : words.asApp.bad(app);
}

/** A finding in words: what is the matter, and the next step. */
export function findingWords({ kind, name, there }: StartFinding, client: string): { say: string; do: string } {
  const about = { app: appName(client), name: name ?? '', there: there ?? '' };
  const { say, do: next } = words.asApp.finding[kind];
  return { say: say(about), do: next(about) };
}
