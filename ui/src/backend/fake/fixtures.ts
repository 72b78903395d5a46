/** Snapshots to draw: `rich` has a connection in every kind of state, `empty` is a first start, `many` has thirty. */
import type { AppView } from '../../bindings/AppView';
import type { ActivityView } from '../../bindings/ActivityView';
import type { ConnectionView } from '../../bindings/ConnectionView';
import type { DriftKind } from '../../bindings/DriftKind';
import type { DriftView } from '../../bindings/DriftView';
import type { EntryView } from '../../bindings/EntryView';
import type { Layer } from '../../bindings/Layer';
import type { LayerKind } from '../../bindings/LayerKind';
import type { NewsView } from '../../bindings/NewsView';
import type { OldTokenView } from '../../bindings/OldTokenView';
import type { PlacementView } from '../../bindings/PlacementView';
import type { Report } from '../../bindings/Report';
import type { SignInAt } from '../../bindings/SignInAt';
import type { SignInView } from '../../bindings/SignInView';
import type { Snapshot } from '../../bindings/Snapshot';
import type { TokenView } from '../../bindings/TokenView';
import type { Verdict } from '../../bindings/Verdict';

const MINUTE = 60_000;
const DAY = 86_400_000;
export const at = (delta: number): string => new Date(Date.now() + delta).toISOString();

export const KINDS: LayerKind[] = ['name', 'connect', 'tls', 'sign_in', 'handshake', 'tools', 'call'];
const FAILS: Partial<Record<Verdict, LayerKind>> = { token_refused: 'sign_in', unreachable: 'connect', not_allowed: 'call', not_mcp: 'handshake', wrong_address: 'name', tls_not_trusted: 'tls', too_slow: 'handshake', proxy_unreachable: 'connect', proxy_sign_in_needed: 'connect', proxy_sign_in_refused: 'connect', proxy_forbids: 'connect', proxy_needed: 'connect' };

export function layers(verdict: Verdict): Layer[] {
  const broken = KINDS.indexOf(FAILS[verdict] ?? ('none' as LayerKind));
  const mark = (n: number): Layer['mark'] => (broken < 0 || n < broken ? 'passed' : n === broken ? 'failed' : 'skipped');
  return KINDS.map((kind, n) => ({ kind, mark: mark(n), millis: [12, 31, 44, 96, 138, 71, 210][n] ?? 1, detail: null }));
}

export function report(verdict: Verdict, delta = -4 * MINUTE): Report {
  const server = verdict === 'working' ? { name: 'practice', version: '1.0' } : null;
  return { verdict, layers: layers(verdict), at: at(delta), millis: 602, server, protocol: '2025-06-18', tools: server ? 6 : null, detail: null, missing_right: verdict === 'not_allowed' ? 'requests:write' : null, retry_after: null };
}

export function token(id: string, days: number | null, more: Partial<TokenView> = {}): TokenView {
  return {
    id, label: 'Claude Desktop MCP', scopes: ['requests:read', 'knowledge_articles:read', 'inbox:read'], created: at(-40 * DAY),
    expires: days === null ? null : { at: at(days * DAY), source: 'declared' }, days_left: days, life_left: days === null ? null : Math.max(0, days / 90),
    ended: days !== null && days < 0, fingerprint: '4f1c90ab27de', renewed_until: null, sign_in: null, old: [], used_by: [], ...more,
  };
}

export function signedIn(id: string, sign: Partial<SignInView> = {}, more: Partial<TokenView> = {}): TokenView {
  return token(id, null, { label: 'Sign-in', scopes: ['feedback:read', 'reports:read'], sign_in: { at: at(-3 * DAY), grant: 'authorization_code', own_client: null, voucher: null, needed: null, asks: [], bound: false, command: null, ...sign }, ...more });
}

function signedInAt(url: string, sign: Partial<SignInView> = {}): SignInAt {
  const { sign_in } = signedIn('', { command: `patchbay sign-in --url ${url}`, ...sign });
  if (!sign_in) throw new Error(url);
  return { url, sign_in };
}

export function oldToken(delta: number): OldTokenView {
  return { id: `old${delta}`, since: at(delta), fingerprint: '9d20c4417fe3' };
}

export function placed(client: string, entry: string, more: Partial<PlacementView> = {}): PlacementView {
  return { client, scope: { kind: 'user' }, entry, wiring: 'bridge', token: null, drift: null, last_used: null, restart: false, kept: false, ...more };
}

export function drifted(connection: string, client: string, kind: DriftKind, more: Partial<DriftView> = {}): DriftView {
  return { connection, client, scope: { kind: 'user' }, kind, fields: [], entries: [], other: null, path: '/home/user/.codex/config.toml', target: null, sentence: kind, ...more };
}

export function connection(id: string, name: string, provider: string, more: Partial<ConnectionView> = {}): ConnectionView {
  const clients = ['claude-desktop', 'claude-code', 'codex'];
  const used_by = (more.used_in ?? clients.map((client) => placed(client, id))).map(({ client }) => client);
  const tokens = more.tokens ?? [token(`t-${id}`, 62)];
  return {
    id, name, provider, url: `https://mcp.example.com/${id}`, group: 'working', status: 'working', action: 'check', action_client: null,
    renew_token: more.tokens?.[0]?.id ?? `t-${id}`, used_in: clients.map((client) => placed(client, id, client === 'codex' ? {} : { last_used: { at: at(-5 * MINUTE), client, program: client, error: null } })),
    last_check: report('working'), check_is_old: false, checking: false, last_used: { at: at(-5 * MINUTE), client: 'claude-desktop', program: 'claude', error: null }, created: at(-40 * DAY), settings: {}, network: null, brought_in: false, ...more,
    tokens: tokens.length === 1 ? tokens.map((only) => ({ ...only, used_by })) : tokens,
  };
}

const needs = { group: 'needs_you' } as const;

const RICH: ConnectionView[] = [
  connection('retently', 'Retently', 'retently', { ...needs, status: 'token_refused', action: 'renew', last_check: report('token_refused', -2 * MINUTE) }),
  connection('xurrent', 'Xurrent production', 'xurrent', {
    ...needs, status: 'token_ends_soon', action: 'renew',
    tokens: [token('t-xurrent', 6, { used_by: ['claude-desktop', 'claude-code'] }), token('t-xurrent-codex', 75, { label: 'Codex MCP', used_by: ['codex'], fingerprint: '77b0e1c25a90' })],
    settings: { environment: 'production', region: 'uk', account: 'widget' },
  }),
  connection('invoices', 'Invoices and payments of the whole Northern European region', 'uipath', {
    ...needs, status: 'changed_outside', action: 'put_back', action_client: 'codex',
    used_in: [placed('claude-desktop', 'invoices'), placed('codex', 'invoices', { drift: drifted('invoices', 'codex', 'changed', { fields: [{ name: 'command', from: '/home/user/.local/share/patchbay/patchbay', to: 'npx' }] }) })],
  }),
  connection('github', 'GitHub', 'custom', { ...needs, status: 'old_token_to_revoke', action: 'revoke_old', tokens: [token('t-github', 88, { old: [oldToken(-2 * DAY)], label: 'Patchbay' })], settings: { url: 'https://mcp.example.com/github', header: 'Authorization', scheme: 'bearer' } }),
  connection('practice', 'Practice service', 'practice', { tokens: [token('t-practice', 29, { label: 'Patchbay practice', scopes: ['notes:read'] })] }),
  connection('surveys', 'Surveys EU', 'retently', { status: 'unchecked', last_check: null, tokens: [token('t-surveys', null)], used_in: [placed('claude-code', 'surveys', { wiring: 'headers-helper', restart: true })] }),
  connection('robots', 'Robots', 'uipath', { tokens: [token('t-robots', 171)], used_in: [placed('claude-desktop', 'robots')] }),
  connection('old-desk', 'Old service desk', 'xurrent', { group: 'off', status: 'unused', action: 'choose_app', used_in: [], last_check: null }),
];

const LONG_NAME = 'Invoices and payments of the whole Northern European region';
const byItself = (client: string): PlacementView => placed(client, 'calendar', { wiring: 'client-oauth' });

/** Sign-ins of every kind. */
const SIGNED: ConnectionView[] = [
  connection('ended', LONG_NAME, 'retently', { ...needs, status: 'sign_in_needed', action: 'sign_in', tokens: [signedIn('t-ended', { needed: at(-2 * 3600_000) })] }),
  connection('more', 'Service desk', 'xurrent', { ...needs, status: 'sign_in_needed', action: 'sign_in', tokens: [signedIn('t-more', { own_client: 'pGbX0m1yQyV9bQ7dT3kZ-a-rather-long-client-identifier', needed: at(-60_000), asks: ['requests:write'] })] }),
  connection('wants', 'Tickets', 'custom', { ...needs, status: 'needs_browser_sign_in', action: 'sign_in', last_check: report('needs_browser_sign_in'), tokens: [] }),
  connection('good', 'Retently', 'retently', { tokens: [signedIn('t-good')] }),
  connection('nightly', 'Nightly report', 'custom', { tokens: [signedIn('t-nightly', { grant: 'client_credentials', own_client: 'nightly' })] }),
  connection('payroll', 'Payroll', 'custom', { tokens: [signedIn('t-payroll', { grant: 'company', own_client: 'patchbay', voucher: 'https://sign-in.company.example' })] }),
  connection('robot', 'Build robot', 'custom', { tokens: [signedIn('t-robot', { grant: 'platform', voucher: '/var/run/secrets/tokens/patchbay', bound: true })] }),
  connection('handed', 'Night shift', 'custom', { ...needs, status: 'sign_in_needed', action: 'sign_in', tokens: [signedIn('t-handed', { grant: 'platform', needed: at(-60_000), command: 'patchbay sign-in handed --assertion-stdin' })] }),
  connection('pasted', 'Surveys EU', 'retently', { tokens: [token('t-pasted', 40)] }),
  connection('calendar', 'Calendar', 'custom', { status: 'signed_in_by_apps', action: 'nothing', last_check: null, tokens: [], used_in: [byItself('claude-code'), byItself('codex')] }),
];

const foreign = (name: string, kind: EntryView['kind'], target: string, plain_text: string[] = []): EntryView => ({ name, kind, target, disabled: false, connection: null, plain_text });

function apps(connections: ConnectionView[], extra: boolean): AppView[] {
  const ours = (client: string): EntryView[] =>
    connections.filter((one) => one.used_in.some((place) => place.client === client)).map((one) => ({ name: one.id, kind: 'program', target: `patchbay bridge ${one.id}`, disabled: false, connection: one.id, plain_text: [] }));
  const base = { installed: true, running: false, version: null, since: null, restart: null, exists: true, why: null, problem: null, further: [], candidates: [], slow: null };
  const more = (id: string, name: string, path: string, own: Partial<AppView> = {}): AppView => ({ ...base, id, name, path: `/home/user/${path}`, wirings: ['bridge'], installed: false, exists: false, entries: ours(id), ...own });
  const here = extra && connections.length > 0 ? { installed: true, exists: true } : {};
  return [
    { ...base, id: 'claude-desktop', name: 'Claude Desktop', running: true, version: '1.46388.2', since: at(-3 * DAY), restart: extra && connections.length > 0 ? { reopen: true, words: { kind: 'tray' } } : null, path: '/home/user/.config/Claude/claude_desktop_config.json', wirings: ['bridge'], entries: [...ours('claude-desktop'), ...(extra ? [foreign('filesystem', 'program', 'npx -y @modelcontextprotocol/server-filesystem /home/user')] : [])] },
    { ...base, id: 'claude-code', name: 'Claude Code', version: '2.1.329', ...(extra && connections.length > 0 ? { running: true, since: at(-MINUTE), restart: { reopen: false, words: { kind: 'terminal', command: '/exit' } } } : {}), path: '/home/user/.claude.json', wirings: ['bridge', 'headers-helper', 'client-oauth'], entries: [...ours('claude-code'), ...(extra ? [foreign('linear', 'remote', 'https://mcp.linear.app/mcp', ['headers.Authorization'])] : [])],
      further: extra ? [{ scope: { kind: 'project', folder: '/home/user/projects/website' }, path: '/home/user/projects/website/.mcp.json', problem: null, entries: [foreign('tickets', 'remote', 'https://tickets.example/mcp')] }] : [] },
    { ...base, id: 'codex', name: 'Codex', installed: extra, exists: extra, path: '/home/user/.codex/config.toml', wirings: ['bridge', 'client-oauth'], entries: ours('codex') },
    more('cursor', 'Cursor', '.cursor/mcp.json', here.installed ? { ...here, entries: [{ ...foreign('old-search', 'program', 'npx -y old-search'), disabled: true }] } : {}),
    more('vscode', 'VS Code', '.config/Code/User/mcp.json', { ...here, running: !!here.installed, ...(here.installed ? { version: '1.131.0', since: at(-2 * MINUTE) } : {}), candidates: here.installed ? [
      { path: '/home/user/.config/Code/User/mcp.json', what: 'usual', name: null, exists: true, counts: true },
      { path: '/home/user/.config/Code/User/profiles/-5d1c2f0/mcp.json', what: 'profile', name: 'Work', exists: false, counts: false },
    ] : [] }),
    more('vscode-insiders', 'VS Code Insiders', '.config/Code - Insiders/User/mcp.json'),
    more('windsurf', 'Windsurf', '.codeium/windsurf/mcp_config.json'),
    more('gemini-cli', 'Gemini CLI', '.gemini/settings.json'),
    more('copilot-cli', 'GitHub Copilot CLI', '.copilot/mcp-config.json'),
    more('zed', 'Zed', '.config/zed/settings.json'),
    more('lm-studio', 'LM Studio', '.lmstudio/mcp.json'),
    more('cline', 'Cline', '.cline/data/settings/cline_mcp_settings.json'),
    more('roo-code', 'Roo Code', '.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json'),
    more('kiro', 'Kiro', '.kiro/settings/mcp.json'),
    more('amazon-q', 'Amazon Q', '.aws/amazonq/mcp.json'),
    more('goose', 'Goose', '.config/goose/config.yaml'),
    more('continue', 'Continue', '.continue/config.yaml'),
  ];
}

function activity(connections: ConnectionView[]): ActivityView[] {
  const kinds: ActivityView['kind'][] = ['connected', 'renewed', 'put_back', 'connected', 'disconnected'];
  return connections.slice(0, 5).map((one, n) => ({
    id: `c-${n}`, at: at(-n * 9 * 3600_000 - MINUTE), kind: kinds[n] ?? 'connected', connection: one.id, name: one.name, clients: kinds[n] === 'renewed' ? [] : ['claude-desktop', 'codex'],
    paths: kinds[n] === 'renewed' ? [] : ['/home/user/.config/Claude/claude_desktop_config.json', '/home/user/.codex/config.toml'], can_undo: n === 0, undone: n === 4,
    scopes: n === 3 ? [{ kind: 'local' as const, folder: '/home/user/projects/invoices' }] : [], renamed: null, holds_token: n === 2 || n === 3,
    obstacle: n === 3 ? { kind: 'later' as const, change: 'c-0', path: null } : n === 2 ? { kind: 'outside' as const, change: null, path: null } : null,
  }));
}

function snapshot(connections: ConnectionView[], extra: boolean): Snapshot {
  return {
    now: at(0), connections, apps: apps(connections, extra), as_app: [], news: [], activity: activity(connections),
    reminders: connections.some((one) => one.id === 'xurrent') ? [{ connection: 'xurrent', name: 'Xurrent production', token: 't-xurrent', days_left: 6, ended: false, expires: at(6 * DAY), notified: true }] : [],
    offline: false, settings: { reminder_days: [30, 14, 7, 1], check_every_hours: 6, check_on_battery: false, start_at_login: false, tray_explained: true, backend: 'keychain', files: {}, network: { proxy: { kind: 'system' }, except: [], certificates: [] } },
    system_proxy: extra ? 'proxy.company.example:8080' : null, system_proxy_note: null,
    secrets: { backend: 'keychain', status: 'ready', vault_exists: false }, problem: null, data_dir: '/home/user/.local/share/patchbay', version: '0.1.0',
  };
}

const LONG = 'npx -y @some-organisation/a-server-with-a-rather-long-name@latest --endpoint https://services.northern-europe.example.com/api/v2/mcp --log-level verbose --cache-folder /home/user/.cache/a-server-with-a-rather-long-name';

/** A change of every kind, and news of every kind. */
function drifting(rich: Snapshot): Snapshot {
  const folder = '/home/user/projects/website';
  const kinds: [DriftKind, Partial<DriftView>][] = [
    ['removed', {}],
    ['changed', { fields: [{ name: 'command', from: '/home/user/.local/share/patchbay/patchbay', to: 'npx' }, { name: 'args', from: '["bridge","changed"]', to: LONG }, { name: 'env', from: null, to: 'a value with a token in it' }] }],
    ['replaced', { target: LONG }],
    ['renamed', { entries: ['the-same-connection-under-a-name-that-somebody-found-more-telling'], fields: [{ name: 'cwd', from: null, to: '/tmp' }] }],
    ['disabled', {}],
    ['moved', { other: { kind: 'local', folder }, entries: ['moved'] }],
    ['duplicated', { entries: ['copy', 'copy-2'] }],
    ['file_gone', {}],
    ['file_broken', {}],
    ['file_unreadable', {}],
    ['file_moved', { path: '/home/user/elsewhere/codex/config.toml' }],
  ];
  rich.connections = kinds.map(([kind, more]) =>
    connection(kind, kind === 'renamed' ? 'Invoices and payments of the whole Northern European region' : `Service, ${kind.replace('_', ' ')}`, 'custom', {
      ...needs, action_client: 'codex', ...(/broken|unreadable/.test(kind) ? ({ status: 'file_broken', action: 'open_file' } as const) : ({ status: 'changed_outside', action: 'put_back' } as const)),
      used_in: [placed('codex', kind, { drift: drifted(kind, 'codex', kind, more) })],
    }));
  const news = (id: string, client: string, entry: EntryView, more: Partial<NewsView> = {}): NewsView => ({ id, kind: 'added', client, scope: { kind: 'user' }, path: `/home/user/${client}.json`, entry, sentence: entry.name, ...more });
  rich.news = [
    news('n-1', 'cursor', foreign('xyz', 'program', LONG)),
    news('n-2', 'claude-desktop', foreign('weather', 'remote', 'https://weather.example/mcp'), { kind: 'changed' }),
    news('n-3', 'claude-code', foreign('tickets', 'program', 'node server.js --api-key •••'), { scope: { kind: 'project', folder } }),
    news('n-4', 'codex', foreign('odd', 'unclear', '')),
    news('n-5', 'codex', foreign('one-more', 'program', 'uvx one-more')),
  ];
  for (const [id, slow] of [['codex', 'network_folder'], ['cursor', 'not_watched']] as const) Object.assign(rich.apps.find((app) => app.id === id) ?? {}, { slow });
  return rich;
}

export function fixture(name: string): Snapshot {
  if (name === 'empty' || name === 'alone') return snapshot([], name === 'empty');
  if (name === 'many') return snapshot(Array.from({ length: 30 }, (_, n) => connection(`service-${n}`, `Service ${n + 1}`, ['xurrent', 'retently', 'uipath', 'custom'][n % 4] ?? 'custom', n < 3 ? { ...needs, status: 'token_ends_soon', action: 'renew', tokens: [token(`t-${n}`, n)] } : {})), true);
  const rich = snapshot(structuredClone(RICH), true);
  if (name === 'broken') {
    const [app] = rich.apps;
    if (app) Object.assign(app, { problem: { code: 'file_syntax', message: 'Expected a comma at line 14, column 3.', path: app.path }, entries: [] });
    rich.problem = { code: 'state_newer', message: 'Written by 2.0.0' };
  }
  if (name === 'long') rich.apps[0]?.entries.forEach((entry) => void (entry.connection ?? (entry.target = LONG)));
  if (name === 'drift') return drifting(rich);
  if (name === 'signed') {
    rich.connections = SIGNED.map((one) => structuredClone(one));
    rich.sign_ins = [signedInAt('https://mcp.example.com/mcp'), signedInAt('https://a-service-with-a-rather-long-name.northern-europe.example.com/api/v2/mcp', { needed: at(-2 * 3600_000) })];
  }
  if (name === 'offline') {
    rich.offline = true;
    for (const one of rich.connections) if (one.status === 'working') Object.assign(one, { status: 'worked_before', check_is_old: true, last_check: report('working', -50 * 60 * MINUTE) });
  }
  if (name === 'vault') rich.secrets = { backend: 'vault', status: 'vault_locked', vault_exists: true };
  if (name === 'no-keychain') rich.secrets = { backend: 'keychain', status: 'absent', vault_exists: false };
  return rich;
}
