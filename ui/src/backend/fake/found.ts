/** What the fixture's apps have that could be brought in: one of every kind. */
import type { FoundEntryView } from '../../bindings/FoundEntryView';
import type { FoundView } from '../../bindings/FoundView';
import type { PlanView } from '../../bindings/PlanView';

const FILES: Record<string, string> = { 'claude-desktop': '/home/user/.config/Claude/claude_desktop_config.json', 'claude-code': '/home/user/.claude.json', codex: '/home/user/.codex/config.toml', cursor: '/home/user/.cursor/mcp.json' };

const stands = (client: string, entry: string, more: Partial<FoundEntryView> = {}): FoundEntryView => ({ client, scope: { kind: 'user' }, path: FILES[client] ?? client, entry, through: null, disabled: false, left: null, ...more });

function found(id: string, name: string, more: Partial<FoundView>): FoundView {
  const entries = more.entries ?? [stands('cursor', id)];
  return { id, name, program: false, origin: `https://${id}.example.com`, target: `https://${id}.example.com/mcp`, provider: 'custom', settings: {}, asks: [], joins: null, tokens: [], notes: [], blocked: null, worthwhile: (more.tokens?.length ?? 0) > 0 && !more.blocked && !more.asks?.length, ...more, entries };
}

const held = (entries: FoundEntryView[], at: string, name = 'Authorization'): FoundView['tokens'][number] => ({ name, places: entries.map(({ client, path, entry }) => ({ client, path, entry, at })) });

export function findings(): FoundView[] {
  const linear = [stands('claude-desktop', 'linear', { through: 'mcp-remote' }), stands('claude-code', 'linear')];
  const desk = [stands('cursor', 'service-desk')];
  const issues = [stands('claude-desktop', 'issues'), stands('codex', 'issues', { disabled: true })];
  const long = [stands('claude-code', 'invoices-and-payments-of-the-whole-northern-european-region'), stands('claude-code', 'shared', { scope: { kind: 'project', folder: '/home/user/projects/website' }, path: '/home/user/projects/website/.mcp.json', left: 'shared_file' })];
  return [
    found('linear', 'Linear', { entries: linear, tokens: [held(linear, 'headers.Authorization')] }),
    found('desk', 'Xurrent', { entries: desk, provider: 'xurrent', asks: ['account'], target: 'https://mcp.xurrent.com/mcp', tokens: [held(desk, 'headers.Authorization')] }),
    found('issues', 'Issues', { entries: issues, program: true, provider: 'program', origin: null, target: '@example/issue-server', tokens: [held(issues, 'env.ISSUE_TOKEN', 'ISSUE_TOKEN')] }),
    found('long', 'Invoices and payments of the whole northern european region', { entries: long, target: 'https://invoices.example.com/organisations/northern-europe/tenants/production/mcp/very-long-name', tokens: [held(long.slice(0, 1), 'headers.Authorization'), held(long.slice(1), 'headers.Authorization')], notes: ['different_tokens', 'other_address'] }),
    found('search', 'Search', { notes: ['no_token'] }),
    found('maps', 'Maps', { blocked: 'address_has_token', target: 'https://maps.example.com/mcp?key=•••' }),
    found('filesystem', 'Filesystem', { entries: [stands('claude-desktop', 'filesystem')], program: true, provider: 'program', origin: null, target: '@modelcontextprotocol/server-filesystem', blocked: 'nothing_secret' }),
  ];
}

/** What bringing it in would change, file by file. */
export function importPlan(one: FoundView): PlanView {
  const files = one.entries.filter((entry) => !entry.left).map(({ client, path, entry }) => ({
    client, client_name: client.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' '), path, creates: false, verb: 'change' as const, entry, added: 2, removed: 3, restart: false,
    diff: `@@ -3,5 +3,4 @@\n   "mcpServers": {\n     "${entry}": {\n-      "url": "${one.target}",\n-      "headers": { "Authorization": "Bearer •••" }\n+      "command": "/home/user/.local/share/patchbay/bin/patchbay",\n+      "args": ["bridge", "${one.id}"]\n     }\n`,
  }));
  return { files, expected: Object.fromEntries(files.map((file) => [file.path, 'digest'])) };
}
