/** Which backend this window has. */
import type { Backend } from './index';
import { tauriBackend } from './tauri';

/** The shell's. Test builds take `?backend=http://127.0.0.1:PORT`, or else the fixture. */
export async function openBackend(): Promise<Backend> {
  if (import.meta.env.MODE === 'test') {
    const query = new URLSearchParams(location.search);
    const base = query.get('backend');
    if (base) return (await import('./http')).httpBackend(base);
    return (await import('./fake')).fakeBackend(query.get('fixture') ?? 'rich');
  }
  return tauriBackend();
}
