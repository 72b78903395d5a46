/** Which of a service's fields stand on the form, given the answers so far. */
import type { Field } from '../bindings/Field';
import type { Provider } from '../bindings/Provider';
import type { TokenPaste } from './tokenField.svelte';

export function shown(field: Field, settings: Record<string, string>): boolean {
  return Object.entries(field.when).every(([key, values]) => values.includes(settings[key] ?? ''));
}

/** A service's words with the token's name and the app's in their places. */
export function fill(text: string, app: string, tokenName = ''): string {
  return text.replaceAll('{token_name}', tokenName).replaceAll('{app}', app);
}

/**
 * The fields that a pasted address was taken apart into: the core answers with other keys than it was asked about.
 * Nothing where it was not.
 */
export function takenApart(asked: Record<string, string>, resolved: Record<string, string>): Record<string, string> | null {
  const gone = Object.keys(asked).filter((key) => !(key in resolved));
  return gone.length ? { ...resolved, ...Object.fromEntries(gone.map((key) => [key, ''])) } : null;
}

/** The answers that a form begins with. */
export function defaults(provider: Provider, given: Record<string, string> = {}): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const field of provider.fields) {
    const first = field.kind === 'choice' && field.required ? field.choices[0]?.value : undefined;
    // One with keys in it stands for what the other answers come to, and is the core's to fill in.
    const own = field.default?.includes('{') ? '' : field.default;
    settings[field.key] = given[field.key] ?? own ?? first ?? '';
  }
  return settings;
}

/** The answers as the core wants them: only fields that are shown, and none that is empty. */
export function answered(provider: Provider, settings: Record<string, string>): Record<string, string> {
  const kept = provider.fields.filter((field) => shown(field, settings) && (settings[field.key] ?? '').trim() !== '');
  return Object.fromEntries(kept.map((field) => [field.key, (settings[field.key] ?? '').trim()]));
}

/** Whether the service gives every token an end, and nobody has said this one's yet. */
export function endMissing(service: Provider | null | undefined, paste: TokenPaste): boolean {
  return !!service?.lifetime.required && !paste.end;
}
