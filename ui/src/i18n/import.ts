/** Words for bringing in what the apps have already. */
import type { Code } from '../bindings/Code';
import type { FoundBlock } from '../bindings/FoundBlock';
import type { FoundLeft } from '../bindings/FoundLeft';
import type { FoundNote } from '../bindings/FoundNote';

const notes: Record<FoundNote, string> = {
  token_elsewhere: 'A token is not in the file itself: the entry only names the place it comes from. Give Patchbay the token afterwards.',
  headers_helper: 'A program of its own gives it the token. That program would not be asked any more.',
  different_tokens: 'Your apps use different tokens here. Each app keeps its own.',
  other_address: 'The same service stands in this list under another address too.',
  own_sign_in: 'It signs in with the browser. Patchbay cannot take that over: if it works, leave it as it is.',
  no_token: 'There is no token in it. If the app signs in with the browser, leave it as it is.',
  old_transport: 'It uses an older way of talking to the service, which may not work through Patchbay. Look at the check afterwards.',
  token_shape: 'The token does not look like one of this service. It is taken as it is.',
};

const left: Record<FoundLeft, string> = {
  managed: 'Stays as it is: your administrator set it.',
  shared_file: 'Stays as it is: others use this folder’s file too.',
  twice: 'Stays as it is: the app has the service twice, and one is enough.',
  app_refuses: 'Stays as it is: the app cannot read its file now.',
};

const blocked: Record<FoundBlock, string> = {
  address_not_https: 'Its address is not protected, so Patchbay does not send a token there.',
  address_has_token: 'The token is a part of the address. Connect the service anew with an address that has no token in it.',
  address_invalid: 'What stands in the address’s place is no web address.',
  several_secrets: 'It sends several secrets, and not all of them stand in this file.',
  header: 'It sends something with each request that Patchbay cannot send.',
  token_in_arguments: 'A token is typed into the program’s start itself, and Patchbay cannot take it out of there.',
  token: 'The token in it cannot be right: it has characters that cannot be sent.',
  nothing_secret: 'A program without a token. There is nothing to move.',
  all_left: 'Nothing here that Patchbay may change.',
  unclear: 'Patchbay cannot tell what this is.',
};

export const bringing = {
  title: 'Bring in what you have', about: 'Patchbay moves tokens out of your apps’ files into a safe place, and looks after them from then on. You see each change first.',
  back: 'Back to your apps', looking: 'Looking through your apps …', emptyTitle: 'Nothing to bring in', empty: 'Your apps have nothing that Patchbay does not look after already.',
  all: (n: number) => (n === 1 ? 'Bring in the one with a token' : `Bring in all ${n} with tokens`), one: 'Bring in', oneOf: (name: string) => `Bring in ${name}`, done: (name: string) => `${name} was brought in`,
  plain: (tokens: number, places: number) => `${tokens === 1 ? 'A token lies' : `${tokens} tokens lie`} in plain text in ${places === 1 ? 'one file' : `${places} files`}`,
  where: 'Show where', place: (app: string, entry: string, at: string) => `${app}: “${entry}”, ${at}`, token: (n: number) => `Token ${n}`,
  becomes: (name: string, place: string) => `Becomes the connection “${name}”. Its token moves into your ${place}.`, becomesBare: (name: string) => `Becomes the connection “${name}”.`,
  joins: (name: string) => `Joins the connection “${name}” that you have already.`,
  runs: (name: string, place: string) => `Stays a program, as “${name}”. Its token moves into your ${place}, and only the program gets it.`,
  keychain: 'keychain', vault: 'vault',
  through: (tool: string) => `through ${tool}`, off: 'switched off, and stays so', worth: 'With a token in plain text', other: 'Without one', rest: (n: number) => `Stays as it is (${n})`,
  asks: 'One answer is still needed', program: 'Program', notes, left, blocked,
  dialog: (name: string) => `Bring in ${name}`, dialogAll: (n: number) => `Bring in ${n} services`, name: 'Name', apply: 'Bring in', applying: 'Bringing in …',
  history: 'Undo brings the files back exactly, and then the token stands in them again. Until you clear it, a copy of each file as it was is kept in Patchbay’s history, for you alone.',
  restart: (apps: string) => `Quit and reopen ${apps} to finish.`,
  progress: (n: number, of: number) => `${n} of ${of} brought in`, failed: (name: string) => `${name} was not brought in.`,
  copyTitle: (to: string) => `Use your connections in ${to}`, copyFrom: 'The same as in', copyAll: 'All connections', copyApply: 'Use them here', copyNone: 'There is nothing to add here.',
  copyLeft: (name: string, why: string) => `${name} stays out. ${why}`,
  copyWhy: { name_taken: 'This app has something else of that name.', scope_unsupported: 'It is set up for a single folder.' } as Partial<Record<Code, string>>,
  copyOpen: (from: string) => `Use the same as in ${from}`, copied: (n: number, to: string) => `${to} can use ${n === 1 ? 'one more connection' : `${n} more connections`}`,
  roo: 'Roo Code is not made any more. Bring its services in here, then use them in another app.',
};
