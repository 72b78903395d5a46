import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeBackend } from '../backend/fake';
import { clock, keepMoving, moveTo } from './clock.svelte';
import { sentence, tone } from './sentences';
import { appName, connection, connectTo, refresh } from './state.svelte';

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-11-21T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

test('the present moves on while the window is open and stops with it', () => {
  moveTo();
  const stop = keepMoving();
  vi.advanceTimersByTime(90_000);
  expect(clock.now).toBe('2026-11-21T12:01:30.000Z');
  stop();
  vi.advanceTimersByTime(90_000);
  expect(clock.now).toBe('2026-11-21T12:01:30.000Z');
});

test('a green that is old is said with its age, which grows, in another shape and in the same group', async () => {
  vi.useRealTimers();
  connectTo(fakeBackend('offline', 0));
  await refresh();
  const one = connection('practice');
  if (!one) throw new Error('no such connection');
  expect([one.group, tone(one.status)]).toEqual(['working', 'old']);
  const later = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
  expect(sentence(one, appName, later(0))).toBe('Worked 2 days ago');
  expect(sentence(one, appName, later(30))).toBe('Worked 3 days ago');
  expect(sentence(one, appName, later(-60))).toBe('Worked when last checked');
});
