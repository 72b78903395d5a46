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

  constructor(apps: AppView[], from?: ConnectionView) {
    for (const app of apps) {
      const used = from?.used_in.find((place) => place.client === app.id);
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
    return Object.entries(this.ticks)
      .filter(([, tick]) => tick.chosen)
      .map(([client, { wiring, token, create }]) => ({ client, wiring, token, create }));
  }
}
