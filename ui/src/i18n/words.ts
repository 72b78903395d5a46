/** The shape of a language: one entry for every code the core can answer, so that a missing one does not compile. */
import type { ActivityKind } from '../bindings/ActivityKind';
import type { Cause } from '../bindings/Cause';
import type { ChangeVerb } from '../bindings/ChangeVerb';
import type { Code } from '../bindings/Code';
import type { EntryKind } from '../bindings/EntryKind';
import type { LayerKind } from '../bindings/LayerKind';
import type { NextStep } from '../bindings/NextStep';
import type { Status } from '../bindings/Status';
import type { StoreStatus } from '../bindings/StoreStatus';
import type { Verdict } from '../bindings/Verdict';
import type { Wiring } from '../bindings/Wiring';

/** One sentence and one button. */
export interface Words {
  say: string;
  do: string;
}

export interface Choice {
  label: string;
  about: string;
}

/** The parts of a language that are keyed by the core's codes. */
export interface Codes {
  code: Record<Code, Words>;
  status: Record<Status, string>;
  next: Record<NextStep, string>;
  verdict: Record<Verdict, Words>;
  /** The cause, and one next step. */
  cause: Record<Cause, { say: string; then: string }>;
  layer: Record<LayerKind, { name: string; passed: string; failed: string }>;
  store: Record<StoreStatus, Words>;
  wiring: Record<Wiring, Choice>;
  did: Record<ActivityKind, string>;
  entry: Record<EntryKind, string>;
  verb: Record<ChangeVerb, (entry: string, app: string) => string>;
}
