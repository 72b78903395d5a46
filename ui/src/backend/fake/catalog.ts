/** The real packs, with the core's defaults filled in. */
import atlassian from '../../../../src-tauri/core/catalog/atlassian.json';
import custom from '../../../../src-tauri/core/catalog/custom.json';
import datadog from '../../../../src-tauri/core/catalog/datadog.json';
import practice from '../../../../src-tauri/core/catalog/practice.json';
import retently from '../../../../src-tauri/core/catalog/retently.json';
import sentry from '../../../../src-tauri/core/catalog/sentry.json';
import uipath from '../../../../src-tauri/core/catalog/uipath.json';
import xurrent from '../../../../src-tauri/core/catalog/xurrent.json';
import type { Field } from '../../bindings/Field';
import type { Preset } from '../../bindings/Preset';
import type { Provider } from '../../bindings/Provider';
import type { SignInOffer } from '../../bindings/SignInOffer';
import type { Scope } from '../../bindings/Scope';

type Loose = Partial<Omit<Provider, 'fields' | 'scopes' | 'presets' | 'lifetime' | 'pages' | 'advice'>> & {
  fields: unknown[];
  scopes: unknown[];
  presets: unknown[];
  lifetime: object;
  pages: object;
  advice: object;
};

function whole(pack: Loose): Provider {
  const offer = (pack as { sign_in?: object }).sign_in;
  return {
    ...(pack as unknown as Provider),
    sign_in: offer ? ({ recommended: false, client_steps: [], apps: {}, ...offer } as unknown as SignInOffer) : null,
    fields: pack.fields.map((field) => ({ hint: null, default: null, choices: [], advanced: false, when: {}, ...(field as object) }) as unknown as Field),
    scopes: pack.scopes.map((scope) => ({ group: null, personal: false, ...(scope as object) }) as Scope),
    presets: pack.presets.map((preset) => ({ about: null, recommended: false, ...(preset as object) }) as Preset),
    lifetime: { required: false, min_days: null, max_days: null, suggested_days: null, ...pack.lifetime },
    pages: { create: null, revoke: null, docs: null, ...pack.pages },
    advice: { per_app: false, text: null, ...pack.advice },
  };
}

export const CATALOG: Provider[] = [xurrent, retently, uipath, atlassian, sentry, datadog, custom, practice].map((pack) => whole(pack as unknown as Loose));
