/** The fixture's side of the check the way an app does it. */
import type { AsAppPlanView } from '../../bindings/AsAppPlanView';
import type { AsAppReport } from '../../bindings/AsAppReport';
import type { AsAppStep } from '../../bindings/AsAppStep';
import type { AsAppView } from '../../bindings/AsAppView';
import type { EntryAt } from '../../bindings/EntryAt';
import type { EntryView } from '../../bindings/EntryView';
import type { Snapshot } from '../../bindings/Snapshot';
import { report } from './fixtures';

const NVM = '/home/user/.nvm/versions/node/v24.9.0/bin/npx';

function entryOf({ apps }: Snapshot, at: EntryAt): EntryView | undefined {
  const app = apps.find(({ id }) => id === at.client);
  const all = at.scope.kind === 'user' ? app?.entries : app?.further.flatMap((source) => source.entries);
  return all?.find(({ name }) => name === at.entry);
}

/** What the app would do; a desktop app does not find `npx` here. */
export function asAppPlan(state: Snapshot, at: EntryAt): AsAppPlanView {
  const entry = entryOf(state, at);
  const words = entry?.target.split(' ') ?? [];
  const ours = state.connections.some((one) => one.used_in.some((place) => place.client === at.client && place.entry === at.entry));
  const lost = at.client === 'claude-desktop' && !!entry?.target.includes('server-filesystem');
  const base = { at, path: '/home/user/file.json', ours, starts: !lost, from: 'desktop' as const, looks_in: '/usr/bin:/bin', expected: `plan of ${entry?.target}`, variables: [], headers: [], helper: null };
  if (entry?.kind === 'remote') {
    return { ...base, way: 'address', command: [], program: null, folder: null, url: entry.target, headers: ['Authorization'], fetches: false, findings: [] };
  }
  return {
    ...base, way: 'program', command: ours ? ['/home/user/.local/share/patchbay/bin/patchbay', 'bridge', at.entry] : words, program: lost ? null : `/usr/bin/${words[0]}`, folder: '/home/user', url: null, fetches: words[0] === 'npx',
    variables: ours ? [] : [{ name: 'API_TOKEN', value: null }, { name: 'LOG_LEVEL', value: 'warn' }],
    findings: lost ? [{ kind: 'not_on_app_path', name: 'npx', there: NVM }] : [],
  };
}

function steps(failed: AsAppStep['kind'] | null): AsAppStep[] {
  const kinds: AsAppStep['kind'][] = ['found', 'started', 'handshake', 'tools', 'call'];
  const broken = failed ? kinds.indexOf(failed) : kinds.length;
  return kinds.map((kind, n) => ({ kind, mark: n < broken ? 'passed' : n === broken ? 'failed' : 'skipped', millis: n < broken ? [0, 0, 412, 9, 30][n] ?? 1 : 0, detail: null }));
}

/** What comes of it. */
export function asAppResult(state: Snapshot, at: EntryAt): AsAppView {
  const plan = asAppPlan(state, at);
  const blank = { open: false, way: plan.way, said: [], server: null, protocol: null, tools: null, service: null, at: new Date().toISOString(), millis: 640 };
  const bad = plan.findings.length > 0;
  const made: AsAppReport =
    plan.way === 'address' ? { ...blank, works: true, steps: [], findings: [], service: report('working', 0) }
    : bad ? { ...blank, works: false, steps: steps('found'), findings: plan.findings }
    : plan.ours ? { ...blank, works: true, steps: steps(null), findings: [], tools: 6 }
    : { ...blank, works: false, steps: steps('handshake'), findings: [{ kind: 'ended', name: 'exit status: 1', there: 'Error: API_TOKEN is not valid' }], said: ['Starting …', 'Error: API_TOKEN is not valid (•••)'] };
  const value: AsAppView = { ...at, report: made, direct: plan.ours ? 'working' : null, differs: null };
  state.as_app = [...state.as_app.filter((one) => one.client !== at.client || one.entry !== at.entry), value];
  return value;
}
