/** A small catalog of the real one's shape. */
import type { Field } from '../../bindings/Field';
import type { Provider } from '../../bindings/Provider';
import type { Scope } from '../../bindings/Scope';

const field = (key: string, label: string, more: Partial<Field> = {}): Field => ({
  key, label, hint: null, kind: 'text', required: true, default: null, choices: [], advanced: false, when: {}, ...more,
});
const scope = (value: string, group: string | null = null): Scope => ({ value, label: value, group, personal: value.startsWith('pii') });
const choices = (pairs: Record<string, string>) => Object.entries(pairs).map(([value, label]) => ({ value, label }));

const RETENTLY = {
  Feedback: ['feedback:read', 'feedback:tag', 'feedback:topic', 'feedback:curate', 'feedback:reply', 'feedback:import', 'feedback:delete'],
  Customers: ['customers:read', 'customers:write'],
  Campaigns: ['campaigns:read', 'campaigns:write', 'surveys:send', 'templates:read', 'outbox:read', 'outbox:write'],
  Account: ['reports:read', 'suppressions:read', 'suppressions:write', 'integrations:read', 'team:read'],
  'Personal data': ['pii:read', 'pii:write'],
};
const retently = Object.entries(RETENTLY).flatMap(([group, values]) => values.map((value) => scope(value, group)));
const reading = retently.map(({ value }) => value).filter((value) => value.endsWith(':read'));
const plain = reading.filter((value) => value !== 'pii:read');

export const CATALOG: Provider[] = [
  {
    id: 'xurrent', name: 'Xurrent', mark: 'X', about: 'Requests, problems and knowledge of your service desk',
    fields: [
      field('environment', 'Environment', { kind: 'choice', choices: choices({ production: 'Production', qa: 'QA', demo: 'Demo' }), default: 'production' }),
      field('region', 'Region', { kind: 'choice', choices: choices({ global: 'Global', au: 'Australia', ch: 'Switzerland', uk: 'United Kingdom', us: 'United States' }), default: 'global', when: { environment: ['production', 'qa'] } }),
      field('account', 'Account', { hint: 'The first part of the address that you see in the browser.', when: { environment: ['production', 'qa'] } }),
      field('url', 'Address for AI apps', { kind: 'address', default: 'https://mcp.xurrent.com/mcp', advanced: true }),
    ],
    scopes: [scope('mcp:*'), scope('requests:read'), scope('knowledge_articles:read'), scope('inbox:read')],
    presets: [
      { id: 'current', label: 'Current', about: 'Prompts, resources and tools', scopes: ['mcp:*'], recommended: true },
      { id: 'older', label: 'Older accounts, read only', about: 'If yours shows single rights', scopes: ['requests:read', 'knowledge_articles:read', 'inbox:read'], recommended: false },
    ],
    lifetime: { required: false, min_days: null, max_days: null, suggested_days: 90 }, token_name: 'Claude Desktop MCP',
    steps: ['Open the page. It is in your profile, under Personal Access Tokens.', 'Enter the name and tick the rights below, in this order.', 'Set an end date 90 days from now, and create the token.', 'Copy the token. It is shown only once.'],
    revoke_steps: ['Open the page and delete the old token.'], advice: { per_app: true, text: 'Xurrent recommends one token for each app, so that you can take one back alone.' },
    limits: ['Sera AI must be switched on for your account, or tools fail although the connection looks fine.', 'A token never can do more than you can.'], pages: { create: 'https://example.xurrent.com/personal_access_tokens/new', revoke: null, docs: null },
  },
  {
    id: 'retently', name: 'Retently', mark: 'R', about: 'Customer feedback, surveys and reports', fields: [], scopes: retently,
    presets: [
      { id: 'read', label: 'Read only', about: 'Without personal data', scopes: plain, recommended: true },
      { id: 'read-personal', label: 'Read only', about: 'With personal data', scopes: reading, recommended: false },
      { id: 'full', label: 'Everything', about: 'Also changes and sends', scopes: retently.map(({ value }) => value), recommended: false },
    ],
    lifetime: { required: true, min_days: 30, max_days: 365, suggested_days: 90 }, token_name: 'Patchbay',
    steps: ['Open AI Connections in Retently.', 'Choose “New token”, give it the name and the rights below.', 'Copy the token. It is shown only once.'],
    revoke_steps: [], advice: { per_app: false, text: null }, limits: ['The rights of a token cannot be changed later. Make a new one instead.'], pages: { create: 'https://app.retently.com/', revoke: null, docs: null },
  },
  {
    id: 'uipath', name: 'UiPath', mark: 'U', about: 'Start and follow your automations',
    fields: [field('organisation', 'Organisation'), field('tenant', 'Tenant', { default: 'DefaultTenant' }), field('folder', 'Folder key'), field('slug', 'Server name')],
    scopes: [scope('OR.Execution'), scope('OR.Jobs')], presets: [
      { id: 'list', label: 'See automations', about: null, scopes: ['OR.Execution'], recommended: false },
      { id: 'run', label: 'See and start automations', about: null, scopes: ['OR.Execution', 'OR.Jobs'], recommended: true },
    ],
    lifetime: { required: true, min_days: 1, max_days: 365, suggested_days: 180 }, token_name: 'Patchbay', steps: ['Open Preferences, then Personal access token.', 'Generate a token with the rights below.', 'Copy it.'],
    revoke_steps: [], advice: { per_app: false, text: null }, limits: ['It ends when your user is switched off.'], pages: { create: 'https://cloud.uipath.com/', revoke: null, docs: null },
  },
  {
    id: 'practice', name: 'Practice service', mark: 'P', about: 'Runs only on this computer, to try everything without risk',
    fields: [field('url', 'Address', { kind: 'address', default: 'http://127.0.0.1:8939/mcp', advanced: true })], scopes: [scope('notes:read'), scope('notes:write')],
    presets: [{ id: 'read', label: 'Read notes', about: null, scopes: ['notes:read'], recommended: true }, { id: 'all', label: 'Read and write notes', about: null, scopes: ['notes:read', 'notes:write'], recommended: false }],
    lifetime: { required: true, min_days: null, max_days: 365, suggested_days: 30 }, token_name: 'Patchbay practice',
    steps: ['Open the practice page.', 'Give the token the name and the rights, and choose how long it lasts.', 'Copy the token.'], revoke_steps: [],
    advice: { per_app: false, text: null }, limits: ['Its tokens are worth nothing anywhere else.'], pages: { create: 'http://127.0.0.1:8939/', revoke: 'http://127.0.0.1:8939/', docs: null },
  },
  {
    id: 'custom', name: 'Custom', mark: 'C', about: 'Any other service that offers itself to AI apps',
    fields: [
      field('url', 'Address', { kind: 'address', hint: 'The service’s help calls it its MCP address.' }),
      field('header', 'Header', { default: 'Authorization', advanced: true }), field('scheme', 'Word before the token', { default: 'Bearer', required: false, advanced: true }),
      field('headers', 'Further headers', { kind: 'list', hint: 'One on each line, as Name: value. No secrets here.', required: false, advanced: true }),
    ],
    scopes: [], presets: [], lifetime: { required: false, min_days: null, max_days: null, suggested_days: null }, token_name: 'Patchbay',
    steps: ['Open the service’s page for tokens. It is often in your profile, under Security or Developer.', 'Make a token with as few rights as you need.', 'Copy it.'], revoke_steps: [],
    advice: { per_app: false, text: null }, limits: [], pages: { create: null, revoke: null, docs: null },
  },
];
