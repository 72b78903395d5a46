/** Which apps have connections that another app could have too. */
import type { AppView } from '../../bindings/AppView';
import { app, data } from '../../lib/state.svelte';

/** Apps with a connection that `to` does not have, the one with the most first. */
export function copySources(to: string): AppView[] {
  const connections = data.snapshot?.connections ?? [];
  const missing = connections.filter((one) => !one.used_in.some((place) => place.client === to));
  const counts: Record<string, number> = {};
  for (const client of missing.flatMap((one) => [...new Set(one.used_in.map((place) => place.client))])) counts[client] = (counts[client] ?? 0) + 1;
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.map(([client]) => app(client)).filter((found) => found !== undefined);
}
