/**
 * The one door to Patchbay's core. Only this folder knows what stands behind it: the desktop window, or in tests the
 * same core over loopback HTTP, or a fixture. A secret goes in beside its request and never comes back.
 */
import type { Answer } from '../bindings/Answer';
import type { Code } from '../bindings/Code';
import type { Error as CoreError } from '../bindings/Error';
import type { Layer } from '../bindings/Layer';
import type { Request } from '../bindings/Request';
import type { SignInStep } from '../bindings/SignInStep';

/** Where the tray, a notification or a second start wants the window to go. */
export interface Navigate {
  view: 'connections' | 'apps' | 'activity' | 'settings';
  connection?: string | null;
  /** The token that it is about; otherwise the one that is due. */
  token?: string | null;
  action?: 'open' | 'renew' | 'sign_in' | 'connect' | 'check' | null;
}

/** A layer of a check that is running. */
export interface CheckProgress {
  id: string;
  layer: Layer;
}

/** How far a sign-in has come, and whether the system could open the page that it is at. */
export interface SignInProgress {
  id: string;
  step: SignInStep;
  opened: boolean;
}

export interface Events {
  changed: undefined;
  navigate: Navigate;
  check_progress: CheckProgress;
  sign_in_progress: SignInProgress;
}

/** The practice service: whether it runs, and the address it serves. */
export interface Practice {
  running: boolean;
  url: string | null;
  token_page: string | null;
}

export interface Backend {
  /** Rejects with a {@link Failure}. */
  call(request: Request): Promise<Answer>;
  /** Rejects with a {@link Failure}. The secret is used once and kept nowhere here. */
  callWithSecret(request: Request, secret: string): Promise<Answer>;
  /** Returns what ends the subscription. */
  on<K extends keyof Events>(event: K, listen: (payload: Events[K]) => void): () => void;
  openLink(url: string): Promise<void>;
  revealPath(path: string): Promise<void>;
  practice(action: 'start' | 'status'): Promise<Practice>;
  setStartAtLogin(on: boolean): Promise<void>;
  /** There is something to see: the window may come up. */
  drawn(): Promise<void>;
}

/** What the core answers when it cannot do as asked, as something that can be thrown. */
export class Failure extends Error {
  readonly error: CoreError;

  constructor(error: CoreError) {
    super(error.message);
    this.name = 'Failure';
    this.error = error;
  }

  get code(): Code {
    return this.error.code;
  }
}

/** Whatever was thrown, as the core's error: strangers become `internal`. */
export function asError(thrown: unknown): CoreError {
  if (thrown instanceof Failure) return thrown.error;
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    return thrown as CoreError;
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
