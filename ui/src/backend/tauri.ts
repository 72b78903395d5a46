/** The backend of the real window: the shell's commands and events. */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { asError, Failure, type Backend } from './index';

async function command<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(name, args);
  } catch (thrown) {
    throw new Failure(asError(thrown));
  }
}

export function tauriBackend(): Backend {
  return {
    call: (request) => command('call', { request }),
    callWithSecret: (request, secret) => command('call_with_secret', { request, secret }),
    on(event, heard) {
      // `listen` answers later; whoever leaves before that must still be let go.
      let stop: (() => void) | undefined;
      let left = false;
      void listen(event, ({ payload }) => heard(payload as never)).then((unlisten) => {
        if (left) unlisten();
        else stop = unlisten;
      });
      return () => {
        left = true;
        stop?.();
      };
    },
    openLink: (url) => command('open_link', { url }),
    revealPath: (path) => command('reveal_path', { path }),
    practice: (action) => command('start_practice', { action }),
    setStartAtLogin: (on) => command('start_at_login', { on }),
    drawn: () => command('drawn'),
  };
}
