/** Where the user is: the open view, the open details, the open dialog. Nothing here outlives the window. */
import type { Navigate } from '../backend';

export type View = Navigate['view'] | 'import';

export type Dialog =
  | { kind: 'renew'; id: string; token: string | null; step: 'make' | 'revoke'; old?: string | null }
  | { kind: 'remove' | 'edit' | 'apps' | 'network'; id: string }
  | { kind: 'token'; id: string }
  | { kind: 'sign_in' | 'sign_out'; id: string; token: string | null }
  /** Its id is an app's. */
  | { kind: 'reopen'; id: string }
  | { kind: 'ends'; id: string; token: string };

/** What the wizard starts with. */
export interface WizardStart {
  provider: string | null;
  settings: Record<string, string>;
}

export interface Toast {
  text: string;
  /** The change that its Undo takes back. */
  change: string | null;
  /** The app that its button opens again. */
  reopen: string | null;
  tone: 'good' | 'bad';
}

export const screen = $state<{
  view: View;
  selected: string | null;
  dialog: Dialog | null;
  wizard: WizardStart | null;
  toast: Toast | null;
  /** Read out by screen readers. */
  announcement: string;
}>({ view: 'connections', selected: null, dialog: null, wizard: null, toast: null, announcement: '' });

export const TOAST_MILLIS = 8000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  screen.announcement = text;
}

/** Says what was done, with an Undo for some seconds where there is a change to take back. */
export function say(text: string, change: string | null = null, tone: Toast['tone'] = 'good', reopen: string | null = null): void {
  screen.toast = { text, change, tone, reopen };
  announce(text);
  holdToast(false);
}

/** While the pointer or the focus is on the toast it stays. */
export function holdToast(hold: boolean): void {
  clearTimeout(timer);
  if (!hold) timer = setTimeout(() => (screen.toast = null), TOAST_MILLIS);
}

export function show(view: View): void {
  screen.view = view;
  screen.selected = null;
}

export function startWizard(provider: string | null = null, settings: Record<string, string> = {}): void {
  screen.view = 'connections';
  screen.selected = null;
  screen.wizard = { provider, settings };
}
