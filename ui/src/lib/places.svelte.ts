/** Where a connection shall be used: the ticks of the list of apps. */
import type { AppView } from '../bindings/AppView';
import type { ConnectionView } from '../bindings/ConnectionView';
import type { Place } from '../bindings/Place';
import type { Wiring } from '../bindings/Wiring';

interface Tick {
  chosen: boolean;
  create: boolean;
  wiring: Wiring | null;
  token: string | null;
}

export class Places {
  ticks = $state<Record<string, Tick>>({});
  /** Entries for single folders stay as they are: they are no ticks. */
  private readonly folders: Place[];

  constructor(apps: AppView[], from?: ConnectionView) {
    const used_in = from?.used_in ?? [];
    this.folders = used_in.filter(({ scope }) => scope.kind !== 'user').map(({ client, scope, wiring, token }) => ({ client, scope, wiring, token, create: false }));
    for (const app of apps) {
      const used = used_in.find((place) => place.client === app.id && place.scope.kind === 'user');
      const ready = app.installed && !app.problem;
      this.ticks[app.id] = {
        chosen: from ? !!used : ready,
        create: false,
        wiring: used?.wiring ?? null,
        // Only what differs from the connection's first token is a token of its own.
        token: used?.token && used.token !== from?.tokens[0]?.id ? used.token : null,
      };
    }
  }

  get list(): Place[] {
    const ticked = Object.entries(this.ticks).filter(([, tick]) => tick.chosen);
    return [...ticked.map(([client, { wiring, token, create }]) => ({ client, wiring, token, create })), ...this.folders];
  }
}
