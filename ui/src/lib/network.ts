/** How services are reached, as the form has it and as a sentence. */
import type { NetworkChoice } from '../bindings/NetworkChoice';
import type { ProxyChoice } from '../bindings/ProxyChoice';
import type { ProxyNote } from '../bindings/ProxyNote';
import { words } from '../i18n';

/** The form's fields, as they are typed. */
export interface Typed {
  kind: ProxyChoice['kind'];
  address: string;
  user: string;
  except: string;
  certificates: string;
}

export function typed(choice: NetworkChoice | null): Typed {
  const { proxy, except, certificates } = choice ?? { proxy: { kind: 'system' } as const, except: [], certificates: [] };
  const own = proxy.kind === 'own' ? proxy : null;
  return { kind: proxy.kind, address: own?.address ?? '', user: own?.user ?? '', except: except.join(', '), certificates: certificates.join('\n') };
}

export function chosen({ kind, address, user, except, certificates }: Typed): NetworkChoice {
  const split = (text: string, by: RegExp): string[] => text.split(by).map((each) => each.trim()).filter(Boolean);
  const proxy: ProxyChoice = kind === 'own' ? { kind, address, user: user.trim() || null, password: null } : { kind };
  return { proxy, except: split(except, /[,;\s]+/), certificates: split(certificates, /\n/) };
}

/** Whether a password is kept for the proxy. */
export function keepsPassword(choice: NetworkChoice | null): boolean {
  return choice?.proxy.kind === 'own' && choice.proxy.password !== null;
}

/** What the system names as its proxy. */
export interface SystemProxy {
  proxy: string | null;
  note: ProxyNote | null;
}

/** What is said of the system's proxy beside the choice of it. */
export function systemSentence({ proxy, note }: SystemProxy): string {
  const net = words.network;
  if (proxy) return net.systemIs(proxy);
  switch (note?.kind) {
    case 'script': return net.systemScript(note.address);
    case 'unread': return net.systemUnread(note.path);
    case 'for_some': return net.systemForSome(note.proxy);
    case 'unfit': return net.systemUnfit;
    default: return net.systemNone;
  }
}

/** A script without an address is none that could be asked. */
function kindOf(note: ProxyNote): ProxyNote['kind'] | 'script_unknown' {
  return note.kind === 'script' && note.address === null ? 'script_unknown' : note.kind;
}

export function networkSentence({ proxy, certificates }: NetworkChoice, system: SystemProxy): string {
  const { says } = words.network;
  const ofSystem = !system.proxy && system.note ? says[kindOf(system.note)] : says.system(system.proxy);
  const way = proxy.kind === 'own' ? says.own(proxy.address) : proxy.kind === 'none' ? says.none : ofSystem;
  return certificates.length ? `${way}, ${says.certificates(certificates.length)}` : way;
}
