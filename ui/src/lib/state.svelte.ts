/**
 * The last snapshot, and how to ask for more. The window draws this and holds no truth of its own: after every answer
 * and every `changed` the snapshot is asked for again.
 */
import { asError, type Backend } from '../backend';
import type { Answer } from '../bindings/Answer';
import type { AppView } from '../bindings/AppView';
import type { ConnectionView } from '../bindings/ConnectionView';
import type { Error as CoreError } from '../bindings/Error';
import type { Layer } from '../bindings/Layer';
import type { Provider } from '../bindings/Provider';
import type { Request } from '../bindings/Request';
import type { Snapshot } from '../bindings/Snapshot';
import { listed } from '../i18n';
import { moveTo } from './clock.svelte';

type Value<K extends Answer['type']> = Extract<Answer, { type: K }> extends { value: infer V } ? V : undefined;

export const data = $state<{
  snapshot: Snapshot | null;
  catalog: Provider[];
  /** Why there is no snapshot. */
  failed: CoreError | null;
  /** Layers of checks that are running, by connection. */
  progress: Record<string, Layer[]>;
}>({ snapshot: null, catalog: [], failed: null, progress: {} });

let door: Backend | null = null;
let endings: (() => void)[] = [];
let running: Promise<void> | null = null;
let again = false;

export function backend(): Backend {
  if (!door) throw new Error('no backend');
  return door;
}

/** Draws from this backend from now on. */
export function connectTo(next: Backend): void {
  for (const end of endings) end();
  Object.assign(data, { snapshot: null, catalog: [], failed: null, progress: {} });
  door = next;
  running = null;
  endings = [
    next.on('changed', () => void refresh()),
    next.on('check_progress', ({ id, layer }) => {
      const seen = (data.progress[id] ?? []).filter(({ kind }) => kind !== layer.kind);
      data.progress[id] = [...seen, layer];
    }),
  ];
}

/** Asks, and takes only the kind of answer that belongs to the question. Rejects with a `Failure`. */
export async function ask<K extends Answer['type']>(request: Request, kind: K, secret?: string): Promise<Value<K>> {
  const answer = await (secret === undefined ? backend().call(request) : backend().callWithSecret(request, secret));
  if (answer.type !== kind) throw new Error(`answered ${answer.type} instead of ${kind}`);
  return ('value' in answer ? answer.value : undefined) as Value<K>;
}

/** What was heard of before the question, and is not being checked according to the answer, has come to its end. */
function dropFinished(heard: string[], after: Snapshot): void {
  const checked = new Set(after.connections.filter((one) => one.checking).map((one) => one.id));
  for (const id of heard) {
    if (!checked.has(id)) delete data.progress[id];
  }
}

async function load(from: Backend): Promise<void> {
  const heard = Object.keys(data.progress);
  try {
    const [snapshot, catalog] = await Promise.all([
      ask({ type: 'snapshot' }, 'snapshot'),
      data.catalog.length ? data.catalog : ask({ type: 'catalog' }, 'catalog'),
    ]);
    if (from !== door) return;
    dropFinished(heard, snapshot);
    Object.assign(data, { snapshot, catalog, failed: null });
    moveTo(snapshot.now);
  } catch (thrown) {
    if (from === door) data.failed = asError(thrown);
  }
}

/** Asks for the snapshot. Calls that come while one runs share one more run after it. */
export function refresh(): Promise<void> {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    do {
      again = false;
      await load(backend());
    } while (again);
    running = null;
  })();
  return running;
}

export function connection(id: string | null): ConnectionView | undefined {
  return data.snapshot?.connections.find((one) => one.id === id);
}

export function app(id: string): AppView | undefined {
  return data.snapshot?.apps.find((one) => one.id === id);
}

/** An app's name, or its id where it is unknown. */
export function appName(id: string): string {
  return app(id)?.name ?? id;
}

/** `Claude Desktop, Claude Code and Codex`, in the catalogue's order. */
export function appNames(ids: string[]): string {
  const order = data.snapshot?.apps.map(({ id }) => id) ?? [];
  return listed([...ids].sort((a, b) => order.indexOf(a) - order.indexOf(b)).map(appName));
}

export function provider(id: string): Provider | undefined {
  return data.catalog.find((one) => one.id === id);
}
