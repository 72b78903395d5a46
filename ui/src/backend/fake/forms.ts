/** What the fixture says about forms, tokens and plans. */
import type { ChangeVerb } from '../../bindings/ChangeVerb';
import type { Error as CoreError } from '../../bindings/Error';
import type { Form } from '../../bindings/Form';
import type { PlanView } from '../../bindings/PlanView';
import type { Request } from '../../bindings/Request';
import type { Snapshot } from '../../bindings/Snapshot';
import type { TokenLookView } from '../../bindings/TokenLookView';
import type { SecretField } from '../../bindings/SecretField';
import { CATALOG } from './catalog';

/** The secrets that a service's pack names, and those of headers that the user named. */
export function secrets(provider: string, settings: Record<string, string>): SecretField[] {
  const pack = CATALOG.find((one) => one.id === provider) as unknown as { token: { label?: string; hint?: string }; beside?: { header: string; label: string; hint: string; page: string; steps: string[] }[]; pages: { create: string | null }; steps: string[] } | undefined;
  const named = (settings['beside'] ?? '').split('\n').map((line) => line.split(':')[0]?.trim() ?? '').filter(Boolean);
  const own = (pack?.beside ?? []).map(({ header, label, hint, page, steps }) => ({ header, label, hint, page: page.replace('{web}', 'app.datadoghq.com'), steps }));
  const beside = [...own, ...named.map((header) => ({ header, label: header, hint: null, page: null, steps: [] }))];
  if (!beside.length) return [];
  return [{ header: null, label: pack?.token.label ?? 'Token', hint: pack?.token.hint ?? null, page: pack?.pages.create?.replace('{web}', 'app.datadoghq.com') ?? null, steps: pack?.steps ?? [] }, ...beside];
}

const dateIn = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

export function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

export function form(asked: Extract<Request, { type: 'resolve_form' }>, state: Snapshot): Form {
  const service = CATALOG.find((one) => one.id === asked.provider);
  const errors: CoreError[] = [];
  for (const { key, label, required, kind, when } of service?.fields ?? []) {
    const value = asked.settings[key];
    const stands = Object.entries(when).every(([other, values]) => values.includes(asked.settings[other] ?? ''));
    if (required && stands && !value) errors.push({ code: 'setting_invalid', message: `${label} is missing.`, field: key });
    else if (kind === 'address' && value && !/^https:\/\/\S+\.\S+|^http:\/\/127\.0\.0\.1/.test(value)) errors.push({ code: value.startsWith('http:') ? 'address_not_https' : 'address_invalid', message: 'Not an address.', field: key });
  }
  if (asked.name !== null && !slug(asked.name)) errors.push({ code: 'name_invalid', message: 'No name.', field: 'name' });
  if (asked.name !== null && state.connections.some((one) => one.id === slug(asked.name ?? ''))) errors.push({ code: 'name_taken', message: 'Taken.', field: 'name' });
  if (asked.expires && asked.expires < dateIn(0)) errors.push({ code: 'date_past', message: 'Past.', field: 'expires' });
  const latest = service?.lifetime.max_days ?? null;
  if (asked.expires && latest && asked.expires > dateIn(latest)) errors.push({ code: 'date_beyond_maximum', message: 'Too long.', field: 'expires' });
  const taken = new Set(state.connections.map((one) => one.name));
  const base = service?.name ?? asked.provider;
  const free = [base, ...Array.from({ length: 40 }, (_, n) => `${base} ${n + 2}`)].find((name) => !taken.has(name) && !state.connections.some((one) => one.id === slug(name)));
  const url = asked.settings['url'] ?? asked.settings['address'] ?? `https://mcp.example.com/${asked.provider}`;
  const page = (template: string | null): string | null =>
    template?.replace('{origin}', 'http://127.0.0.1:47115').replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(key === 'token_name' ? (asked.token_name ?? '') : (asked.settings[key] ?? ''))) ?? null;
  const { url: pasted, ...parts } = asked.settings;
  const apart = asked.provider === 'uipath' && pasted ? { ...parts, host: 'cloud.uipath.com', organisation: 'widget', tenant: 'DefaultTenant', folder_key: '1a2b3c4d-0000-0000-0000-000000000000', slug: 'robots' } : asked.settings;
  if (apart !== asked.settings) errors.splice(0, errors.length, ...errors.filter((error) => error.field === 'name' || error.field === 'expires'));
  return {
    resolved: { url, auth: { name: 'Authorization', prefix: 'Bearer ' }, headers: [], create_page: page(service?.pages.create ?? null), client_page: service?.id === 'xurrent' ? 'https://widget.xurrent.com/oauth_applications/new?name=Patchbay' : null, revoke_page: page(service?.pages.revoke ?? null), settings: apart, secrets: secrets(asked.provider, asked.settings) },
    errors, id: asked.name === null ? null : slug(asked.name), suggested_name: free ?? base,
    suggested_expires: service?.lifetime.suggested_days ? dateIn(service.lifetime.suggested_days) : null, latest_expires: latest ? dateIn(latest) : null, redirect: 'http://127.0.0.1:41975/callback',
  };
}

/** One token that was wrapped, as its known shape tells; two of them are not. */
function isWrapped(text: string): boolean {
  const shape = /^pbp_[a-z0-9]{16,}$/i;
  return shape.test(text.replace(/\s+/g, '')) && !text.split(/\s+/).some((piece) => shape.test(piece));
}

export function look(secret: string, provider: string): TokenLookView {
  const clean = secret.trim().replace(/^["']|["']$/g, '').replace(/^Bearer /i, '');
  const errors: CoreError[] = [];
  const warnings: CoreError[] = [];
  if (!clean) errors.push({ code: 'token_empty', message: 'Empty.', field: 'token' });
  else if (/\s/.test(clean) && !isWrapped(clean)) errors.push({ code: 'token_control_characters', message: 'A blank.', field: 'token' });
  else if (clean.startsWith('ghp_') && provider !== 'custom') errors.push({ code: 'token_other_service', message: 'GitHub.', field: 'token' });
  else if (clean.length < 16) warnings.push({ code: 'token_shape', message: 'Short.', field: 'token' });
  return { cleaned: clean.replace(/\s+/g, '') !== secret, errors, warnings, expires: null };
}

export function plan(places: { client: string }[], entry: string, state: Snapshot, verb: ChangeVerb = 'add'): PlanView {
  const sign = verb === 'remove' ? '-' : '+';
  const lines = [`"${entry}": {`, '  "command": "/home/user/.local/share/patchbay/patchbay",', `  "args": ["bridge", "${entry}"]`, '}'];
  const files = places.map(({ client }) => {
    const app = state.apps.find((one) => one.id === client);
    return {
      client, client_name: app?.name ?? client, path: app?.path ?? '', creates: app?.exists === false, verb, entry,
      diff: `@@ -2,3 +2,7 @@\n   "mcpServers": {\n${lines.map((line) => `${sign}    ${line}`).join('\n')}\n   }\n`, added: sign === '+' ? 4 : 0, removed: sign === '-' ? 4 : 0, restart: true,
    };
  });
  return { files, expected: Object.fromEntries(places.map(({ client }) => [client, 'digest'])) };
}
