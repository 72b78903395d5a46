/** The words of the window. A further language is a second object of the same type. */
import { asApp } from './asApp';
import { codes } from './codes';
import { en as screens } from './en';
import { bringing } from './import';
import { network } from './network';
import { signIn } from './signIn';

export const words = { ...codes, ...screens, bringing, signIn, asApp, network };

/** `2` and `app`/`apps`: the form that the language wants for a number. */
export function counted(count: number, one: string, other: string): string {
  return `${count} ${new Intl.PluralRules('en').select(count) === 'one' ? one : other}`;
}

/** `Claude Desktop, Claude Code and Codex`. */
export function listed(names: string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(names);
}
