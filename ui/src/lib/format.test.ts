import { expect, test } from 'vitest';
import { ago, byDay, localDay, span, wait } from './format';
import { position } from './position';

const NOW = '2026-11-21T12:00:00Z';

test.each([
  ['2026-11-21T11:59:30Z', 'just now'],
  ['2026-11-21T11:55:00Z', '5 minutes ago'],
  ['2026-11-21T09:10:00Z', '2 hours ago'],
  ['2026-11-20T11:00:00Z', 'yesterday'],
  ['2026-11-12T12:00:00Z', '9 days ago'],
  ['2026-07-01T12:00:00Z', '4 months ago'],
  ['not a date', ''],
])('%s is %s', (at, expected) => expect(ago(at, NOW)).toBe(expected));

test.each([
  [0, '< 1 ms'],
  [84.4, '84 ms'],
  [1234, '1.2 s'],
])('%d ms is %s', (millis, expected) => expect(span(millis)).toBe(expected));

test('a wait is rounded up to whole minutes', () => {
  expect(wait(30)).toBe('30 seconds');
  expect(wait(61)).toBe('2 minutes');
  expect(wait(7300)).toBe('3 hours');
  expect(wait(30 * 86_400)).toBe('30 days');
});

test('changes are grouped by the calendar day of the place, order kept', () => {
  const groups = byDay([{ at: '2026-11-21T12:00:00' }, { at: '2026-11-21T01:00:00' }, { at: '2026-11-20T23:59:00' }]);
  expect(groups.map(({ day, items }) => [day, items.length])).toEqual([['2026-11-21', 2], ['2026-11-20', 1]]);
  expect(localDay('2026-01-05T12:00:00')).toBe('2026-01-05');
});

test('a mistake’s place is read out of the core’s sentence', () => {
  expect(position('Expected a comma at line 14, column 3.')).toEqual({ line: 14, column: 3 });
  expect(position('Permission was denied')).toBeNull();
});
