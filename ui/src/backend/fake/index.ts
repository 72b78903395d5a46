/**
 * A backend in memory, for the development server, unit tests and specs of the screens. It knows just enough to walk
 * through every screen; tokens that contain `refuse` are refused, `slow` ones cannot be tried, and `keep` ones stay valid.
 */
import type { Answer } from '../../bindings/Answer';
import type { Request } from '../../bindings/Request';
import type { SignInStep } from '../../bindings/SignInStep';
import { Failure, type Backend, type Events } from '../index';
import { asAppPlan, asAppResult } from './asApp';
import { CATALOG } from './catalog';
import { form, look, plan } from './forms';
import { findings, importPlan } from './found';
import { connection, fixture, KINDS, layers, placed, report, token } from './fixtures';
import { Fake, STAYS, done } from './fake';

export { Fake } from './fake';

const PACE = 60;
const rest = (millis = PACE): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

type Heard = { [K in keyof Events]: Set<(payload: Events[K]) => void> };

export function fakeBackend(name = 'rich', pace = PACE): Backend & { fake: Fake } {
  const heard: Heard = { changed: new Set(), navigate: new Set(), check_progress: new Set(), sign_in_progress: new Set() };
  let stopSigning: () => void = () => undefined;
  const fake = new Fake(fixture(name), CATALOG, name === 'empty' || name === 'alone' ? [] : findings());
  const tell = <K extends keyof Events>(event: K, payload: Events[K]): void => heard[event].forEach((listen) => listen(payload));

  async function walk(id: string): Promise<void> {
    for (const layer of layers('working')) {
      await rest(pace);
      tell('check_progress', { id, layer });
    }
  }

  /** By the name: `refuse` is refused, `later` waits until it is stopped, `nowhere` opens no browser and waits, `tokens` offers none. */
  async function signIn(id: string, alone: boolean): Promise<void> {
    const stopped = new Promise<never>((_, reject) => (stopSigning = () => reject(new Failure({ code: 'cancelled', message: 'Stopped.' }))));
    const step = (step: SignInStep, opened = true): void => tell('sign_in_progress', { id, step, opened });
    step({ step: 'asking' });
    await rest(pace);
    if (/tokens/.test(id)) throw new Failure({ code: 'sign_in_not_offered', message: 'No.' });
    const page = `https://sign-in.example.com/authorize?response_type=code&client_id=patchbay&state=${id}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM`;
    if (!alone) {
      step({ step: 'browser', url: page }, !/nowhere/.test(id));
      if (!/nowhere/.test(id)) void fake.opened(`link ${page}`);
      await (/later|nowhere/.test(id) ? stopped : Promise.race([rest(pace * 4), stopped]));
    }
    if (/refuse/.test(id)) throw new Failure({ code: 'sign_in_refused', message: 'access_denied' });
    step({ step: 'fetching' });
    await rest(pace);
    step({ step: 'checking' });
    await rest(pace);
  }

  async function answer(request: Request, secret: string): Promise<Answer> {
    if (name === 'loading') await rest(1_000_000);
    if (name === 'failing') throw new Failure({ code: 'io', message: 'Permission was denied', path: '/home/user/.local/share/patchbay/state.json' });
    switch (request.type) {
      case 'snapshot':
      case 'secrets_status':
        return { type: 'snapshot', value: fake.snapshot() };
      case 'catalog':
        return { type: 'catalog', value: CATALOG };
      case 'resolve_form':
        return { type: 'form', value: form(request, fake.state) };
      case 'inspect_token':
        return { type: 'token_look', value: look(secret, request.provider) };
      case 'plan_connect':
        return { type: 'plan', value: plan(request.connect.places, fake.idOf(request.connect.name), fake.state) };
      case 'plan_place':
        return { type: 'plan', value: plan(request.places, request.id, fake.state) };
      case 'plan_remove':
        return { type: 'plan', value: plan(fake.one(request.id).used_in, request.id, fake.state, 'remove') };
      case 'found':
        return { type: 'found', value: fake.found() };
      case 'plan_import':
        return { type: 'plan', value: importPlan(fake.foundOne(request.import.id)) };
      case 'plan_copy':
        return { type: 'plan', value: plan([{ client: request.to }], fake.copied(request.from, request.to)[0]?.id ?? '', fake.state) };
      case 'change_detail':
        return { type: 'plan', value: plan([{ client: 'claude-desktop' }, { client: 'codex' }], 'retently', fake.state) };
      case 'plan_leave': {
        const { keep_working, take_changed } = request.choice;
        const files = plan([{ client: 'claude-desktop' }, { client: 'claude-code' }], 'retently', fake.state, keep_working ? 'change' : 'remove');
        const state = fake.state;
        return { type: 'leave', value: {
          plan: files, connections: state.connections.map((one) => one.name), brought_in: keep_working ? [] : state.connections.filter((one) => one.brought_in).map((one) => one.name), stays: take_changed ? [] : STAYS, plain_text: keep_working ? ['claude-desktop', 'claude-code'] : [],
          needs_node: keep_working ? ['claude-desktop'] : [], signs_in: [], cannot_sign_in: [], shared: [], tokens: state.connections.flatMap((one) => one.tokens).length, start_at_login: state.settings.start_at_login, data_dir: state.data_dir,
        } };
      }
      case 'plan_as_app':
        return { type: 'as_app_plan', value: asAppPlan(fake.state, request.at) };
      case 'check_as_app':
        await rest(pace * 4);
        if (fake.cancelled()) throw new Failure({ code: 'cancelled', message: 'Stopped.' });
        if (request.expected !== asAppPlan(fake.state, request.at).expected) throw new Failure({ code: 'file_changed', message: 'It is another one now.' });
        return { type: 'as_app', value: asAppResult(fake.state, request.at) };
      case 'check':
        return check(request.ids.length ? request.ids : fake.state.connections.map((one) => one.id));
      case 'connect_signed_in':
        await signIn(fake.idOf(request.connect.name), request.with.grant === 'client_credentials');
        return fake.change(request, secret);
      case 'sign_in':
        await signIn(request.id, request.with.grant === 'client_credentials' || request.with.grant === 'platform');
        return fake.change(request, secret);
      case 'cancel_sign_in':
        fake.asked.push(request);
        stopSigning();
        return done;
      case 'renew':
        await walk(request.id);
        if (/refuse/.test(secret)) throw new Failure({ code: 'renewal_refused', message: 'refused' });
        if (/slow/.test(secret)) throw new Failure({ code: 'renewal_unverified', message: 'no answer' });
        await walk(request.id);
        return fake.renew(request, secret);
      default:
        return fake.change(request, secret);
    }
  }

  async function check(ids: string[]): Promise<Answer> {
    const value = [];
    for (const id of ids) {
      await walk(id);
      if (fake.cancelled()) throw new Failure({ code: 'cancelled', message: 'Stopped.' });
      value.push({ id, token: fake.one(id).renew_token, report: fake.checked(id) });
      if (ids.length > 1) tell('changed', undefined);
    }
    return { type: 'reports', value };
  }

  return {
    fake,
    call: (request) => rest(pace / 4).then(() => answer(request, '')),
    callWithSecret: (request, secret) => rest(pace / 4).then(() => answer(request, secret)),
    on(event, listen) {
      heard[event].add(listen);
      return () => heard[event].delete(listen);
    },
    openLink: (url) => fake.opened(`link ${url}`),
    revealPath: (path) => fake.opened(`path ${path}`),
    practice: () => Promise.resolve({ running: true, url: 'http://127.0.0.1:47115/mcp', token_page: 'http://127.0.0.1:47115/tokens' }),
    setStartAtLogin: () => Promise.resolve(),
    drawn: () => Promise.resolve(),
  };
}

export { connection, done, KINDS, placed, report, token };
