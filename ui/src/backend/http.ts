/** The real core over loopback HTTP. Test builds only: {@link openBackend} leaves it out of the real window. */
import type { Answer } from '../bindings/Answer';
import type { Error as CoreError } from '../bindings/Error';
import { Failure, type Backend, type Practice } from './index';

type Reply = { ok: Answer } | { err: CoreError };

async function post<T>(url: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Failure({ code: 'internal', message: 'The core did not answer.' });
  }
  return (await response.json()) as T;
}

async function ask(base: string, request: unknown, secret?: string): Promise<Answer> {
  const reply = await post<Reply>(`${base}/call`, secret === undefined ? { request } : { request, secret });
  if ('err' in reply) throw new Failure(reply.err);
  return reply.ok;
}

/** Links and folders that a test wants to see opened: nothing is really opened. */
function note(what: string, value: string): Promise<void> {
  const seen = ((window as unknown as Record<string, unknown>)['opened'] ??= []) as string[];
  seen.push(`${what} ${value}`);
  return Promise.resolve();
}

export function httpBackend(base: string): Backend {
  const events = new EventSource(`${base}/events`);
  return {
    call: (request) => ask(base, request),
    callWithSecret: (request, secret) => ask(base, request, secret),
    on(event, heard) {
      const listen = (message: MessageEvent<string>) =>
        heard((message.data ? JSON.parse(message.data) : undefined) as never);
      events.addEventListener(event, listen);
      return () => events.removeEventListener(event, listen);
    },
    openLink: (url) => note('link', url),
    revealPath: (path) => note('path', path),
    async practice(action) {
      const reply = await post<{ ok: Practice } | { err: CoreError }>(`${base}/practice`, { action });
      if ('err' in reply) throw new Failure(reply.err);
      return reply.ok;
    },
    setStartAtLogin: () => Promise.resolve(),
    drawn: () => Promise.resolve(),
  };
}
