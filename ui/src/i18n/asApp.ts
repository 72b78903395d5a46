/** Words for the check the way an app does it. */
import type { AroundFrom } from '../bindings/AroundFrom';
import type { AsAppStepKind } from '../bindings/AsAppStepKind';
import type { Differs } from '../bindings/Differs';
import type { StartFindingKind } from '../bindings/StartFindingKind';

/** What a sentence is about: the app, a name, and where it is instead or what was said. */
export interface About {
  app: string;
  name: string;
  there: string;
}

interface Finding {
  say: (about: About) => string;
  /** The one next step. */
  do: (about: About) => string;
}

const again = (): string => 'See what it says, then check again.';
const ask = (): string => 'Ask the people who make it.';
const through = (): string => 'Connect it through Patchbay.';

const finding: Record<StartFindingKind, Finding> = {
  not_on_app_path: { say: ({ app, name }) => `${app} does not find “${name}”. It looks in other folders than a terminal does.`, do: ({ app, there }) => `In ${app}’s file, write this in its place: ${there}` },
  program_missing: { say: ({ name }) => `The program “${name}” is not on this computer.`, do: () => 'Install it, or take the entry out.' },
  not_executable: { say: ({ name }) => `“${name}” cannot be started.`, do: () => 'Allow it to be executed, or name another program.' },
  command_holds_arguments: { say: ({ app, name }) => `“${name}” is a whole command line, and ${app} takes it for the name of one program.`, do: () => 'Leave the first word there, and write the others as arguments.' },
  blanks_cut: { say: ({ app, name }) => `There is a blank in “${name}”, and ${app} cuts it there on Windows.`, do: () => 'Use a place or value without blanks.' },
  not_set: { say: ({ app, name }) => `The variable ${name} is not set where ${app} looks for it.`, do: ({ app, name }) => `Set ${name} for ${app}, or write the value into the entry.` },
  not_filled_in: { say: ({ app, name }) => `${app} does not fill in ${name}. The program gets it as it is written.`, do: () => 'Write it in the way this app knows, or the value itself.' },
  kept_by_app: { say: ({ app, name }) => `${app} asks you for “${name}” and keeps it. Patchbay does not have it.`, do: ({ app }) => `Check this one in ${app}.` },
  folder_missing: { say: ({ name }) => `The folder ${name} is not there.`, do: () => 'Make it, or name another one.' },
  env_file_missing: { say: ({ name }) => `The file with its variables cannot be read: ${name}`, do: () => 'Mend the path.' },
  old_patchbay: { say: ({ name }) => `It starts Patchbay at a place where it no longer is: ${name}`, do: () => 'Put the entry back.' },
  needs_program: { say: ({ app, name }) => `The program needs “${name}”, and ${app} does not find that.`, do: ({ name, there }) => (there ? `Add this to the entry’s variable PATH: the folder of ${there}` : `Install ${name}, then check again.`) },
  node_too_old: { say: ({ app }) => `The Node.js that ${app} finds is too old for this program.`, do: () => 'Install a newer Node.js where the app finds it.' },
  ended: { say: () => 'It ended as soon as it was started.', do: again },
  silent: { say: ({ name }) => `It started, and said nothing for ${name} seconds.`, do: ask },
  fetching: { say: ({ name }) => `It was still fetching what it needs after ${name} seconds.`, do: () => 'Run it once in a terminal until it is ready, then check again.' },
  noise: { say: () => 'It writes other things between its messages. Some apps stop at that.', do: ask },
  floods: { say: () => 'It writes far more than any answer.', do: ask },
  asks_in_terminal: { say: () => 'It asks a question that nobody can answer in an app.', do: () => 'Run it once in a terminal and answer there.' },
  not_mcp: { say: () => 'It does not answer the way apps expect it.', do: () => 'Look at its arguments.' },
  refused: { say: () => 'It answers with an error.', do: again },
  not_allowed: { say: () => 'The service does not allow what was tried.', do: () => 'Give it a token with the missing permission.' },
  left_behind: { say: ({ name }) => (name === '1' ? 'It left a program running, which was ended.' : `It left ${name} programs running, which were ended.`), do: () => 'There is nothing to do. An app may leave them running.' },
  helper_failed: { say: () => 'The program that gives its headers failed.', do: () => 'Run that program in a terminal.' },
  not_taken: { say: ({ there }) => `${there}`, do: through },
  needs_older_way: { say: ({ app }) => `This service uses the older way (SSE), which ${app} does not speak for this entry.`, do: through },
  needs_newest_way: { say: ({ app }) => `This service uses the newest way (2026-07-28), which ${app} does not speak.`, do: through },
  asks_older_way: { say: ({ app }) => `This entry has ${app} speak the older way (SSE), which this service does not use.`, do: through },
  part_of_app: { say: ({ app }) => `It starts no program and has no address. It is a part of ${app} itself, or not complete.`, do: ({ app }) => `Look in ${app} whether it works.` },
  app_signs_in: { say: ({ app }) => `The service wants a sign-in. ${app} makes and keeps its own, which Patchbay does not see.`, do: ({ app }) => `Look in ${app} whether you are signed in.` },
  switched_off: { say: ({ app }) => `It is switched off in ${app}.`, do: () => 'Switch it on there to use it.' },
  rules_not_sure: { say: ({ app }) => `How ${app} starts programs is not known for sure. This is how most apps do it.`, do: ({ app }) => `If ${app} shows something else, believe ${app}.` },
};

const step: Record<AsAppStepKind, string> = { found: 'The app finds it', started: 'It starts', handshake: 'It answers', tools: 'It lists its tools', call: 'A harmless request works' };
const from: Record<AroundFrom, (app: string) => string> = {
  running: (app) => `Started with what ${app} has now, because it is running.`,
  desktop: (app) => `Started as your desktop starts ${app}.`,
  shell: (app) => `Started as a terminal starts ${app}.`,
};
const differs: Record<Differs, (app: string) => string> = {
  only_direct: (app) => `Directly it works. The way ${app} does it, it does not.`,
  only_app: (app) => `The way ${app} does it, it works. Directly it does not.`,
};

export const asApp = {
  open: (app: string) => `Check the way ${app} does it`,
  title: (name: string, app: string) => `${name}, the way ${app} does it`,
  looking: (app: string) => `Looking at what ${app} would do …`,
  starts: (app: string) => `${app} starts this program. Patchbay did not put it there, so look at it first.`,
  asks: (app: string) => `${app} sends a request to this address. Patchbay did not put it there, so look at it first.`,
  ours: (app: string) => `This is what ${app} starts.`,
  would: (app: string) => `What ${app} would start`,
  command: 'Command', program: 'Program', folder: 'Starts in', variables: 'Variables', address: 'Address', headers: 'Headers', helper: 'Program that gives headers', hidden: 'hidden', before: 'Known already',
  fetches: 'The first time, it may fetch what it needs from the internet. That can take some minutes.',
  confirm: 'Start exactly this', send: 'Send it', running: 'Trying it …', fetching: 'Trying it. It may still be fetching what it needs …', stop: 'Stop', again: 'Check again',
  good: (app: string) => `It works the way ${app} does it.`, bad: (app: string) => `It does not work the way ${app} does it.`, only: (app: string) => `Whether it works, only ${app} can tell.`,
  changed: 'The entry has changed in the meantime. Look at it again.',
  said: 'Its last words', next: 'What to do', asked: (when: string) => `Tried ${when}`,
  finding, step, from, differs,
};
