import { describe, expect, it } from 'vitest';
import type { NetworkChoice } from '../bindings/NetworkChoice';
import { chosen, keepsPassword, networkSentence, systemSentence, typed } from './network';

const OWN: NetworkChoice = {
  proxy: { kind: 'own', address: 'http://proxy.example:8080', user: 'ana', password: 'n-00000000' },
  except: ['intranet.example', '10.0.0.0/8'],
  certificates: ['/home/user/My certificates/company, new.pem', '/etc/old.pem'],
};

describe('the network form', () => {
  it('shows a choice and makes the same of it, without the password', () => {
    const { proxy, ...rest } = OWN;
    expect(chosen(typed(OWN))).toEqual({ proxy: { ...proxy, password: null }, ...rest });
    expect(chosen(typed(null))).toEqual({ proxy: { kind: 'system' }, except: [], certificates: [] });
  });

  it('takes lists as people type them', () => {
    const form = { ...typed(null), except: ' a.example;b.example,\tc.example ,', certificates: ' /a b.pem \n\n/c,d.pem\n' };
    expect(chosen(form)).toEqual({ proxy: { kind: 'system' }, except: ['a.example', 'b.example', 'c.example'], certificates: ['/a b.pem', '/c,d.pem'] });
  });

  it('forgets proxy and name where another way is chosen', () => {
    expect(chosen({ ...typed(OWN), kind: 'none' }).proxy).toEqual({ kind: 'none' });
    expect(chosen({ ...typed(OWN), user: '  ' }).proxy).toMatchObject({ user: null });
  });

  it('knows whether a password is kept', () => {
    expect([keepsPassword(OWN), keepsPassword(null), keepsPassword({ ...OWN, proxy: { kind: 'none' } })]).toEqual([true, false, false]);
    expect(keepsPassword({ ...OWN, proxy: { kind: 'own', address: 'x', user: null, password: null } })).toBe(false);
  });

  it('says in a sentence how services are reached', () => {
    const named = { proxy: 'system:1', note: null };
    const nothing = { proxy: null, note: null };
    expect(networkSentence(OWN, named)).toBe('Through the proxy http://proxy.example:8080, with 2 extra certificate files');
    expect(networkSentence(chosen(typed(null)), named)).toContain('system:1');
    expect(networkSentence(chosen(typed(null)), nothing)).toContain('names no proxy');
    expect(systemSentence(named)).toContain('system:1');
    expect(systemSentence(nothing)).toContain('none');
  });

  it('says whom a proxy script is asked for, where it is, and which settings cannot be read', () => {
    const script = { proxy: null, note: { kind: 'script', address: 'http://wpad.example/proxy.pac' } } as const;
    expect(systemSentence(script)).toContain('(http://wpad.example/proxy.pac) says it for each service');
    expect(networkSentence(chosen(typed(null)), script)).toContain('proxy script says for each service');
    const unknown = { proxy: null, note: { kind: 'script', address: null } } as const;
    expect(systemSentence(unknown)).toContain('which Patchbay does not do');
    expect(networkSentence(chosen(typed(null)), unknown)).toContain('Directly; your system’s proxy script is not known');
    const unread = { proxy: null, note: { kind: 'unread', path: '/home/user/.config/dconf/user' } } as const;
    expect(systemSentence(unread)).toContain('/home/user/.config/dconf/user');
    expect(networkSentence(chosen(typed(null)), unread)).toContain('settings cannot be read');
    const forSome = { proxy: null, note: { kind: 'for_some', proxy: 'proxy.example:3128' } } as const;
    expect(systemSentence(forSome)).toContain('it is proxy.example:3128, for all others none');
    expect(networkSentence(chosen(typed(null)), forSome)).toContain('but for the addresses');
    const unfit = { proxy: null, note: { kind: 'unfit' } } as const;
    expect(systemSentence(unfit)).toContain('cannot use');
    expect(networkSentence(chosen(typed(null)), unfit)).toContain('cannot use');
  });
});
