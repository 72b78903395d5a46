/** The apps' tiles, and the list of apps with ticks. */
import { render, screen } from '@testing-library/svelte';
import { beforeEach, expect, test } from 'vitest';
import { fakeBackend } from '../backend/fake';
import AppChoices from './AppChoices.svelte';
import ByHand from './ByHand.svelte';
import { tile } from './appMarks';
import { Places } from './places.svelte';
import { connectTo, data, refresh } from './state.svelte';

beforeEach(async () => {
  connectTo(fakeBackend('rich', 0));
  await refresh();
});

const apps = () => data.snapshot?.apps ?? [];

/** Contrast of white on a colour, as WCAG counts it. */
function contrast(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

test('every tile has letters of its own, and they are legible', () => {
  const tiles = apps().map(({ id, name }) => tile(id, name)).concat(tile('new-app', 'New App'));
  const lettered = tiles.filter(({ colour }, n) => colour !== tile('', '').colour || n === tiles.length - 1);
  expect(lettered.length).toBe(apps().length - 3 + 1);
  expect(new Set(lettered.map(({ letters }) => letters)).size).toBe(lettered.length);
  for (const { letters, colour } of tiles) expect(contrast(colour), letters).toBeGreaterThan(4.5);
});

test('apps that are here stand in the open, the others are folded', () => {
  render(AppChoices, { apps: apps(), places: new Places(apps()) });
  const fold = screen.getByTestId('apps-not-here');
  expect(fold.hasAttribute('open')).toBe(false);
  expect(fold.textContent).toContain('Not installed here (12)');
  expect(fold.contains(screen.getByTestId('app-create-zed'))).toBe(true);
  expect(fold.contains(screen.getByTestId('app-choice-cursor'))).toBe(false);
  expect((screen.getByTestId('app-choice-cursor') as HTMLInputElement).checked).toBe(true);
  expect((screen.getByTestId('app-create-zed') as HTMLInputElement).checked).toBe(false);
});

test('the fold is open where one of them is chosen already', () => {
  const places = new Places(apps());
  Object.assign(places.ticks['zed'] ?? {}, { chosen: true, create: true });
  render(AppChoices, { apps: apps(), places });
  expect(screen.getByTestId('apps-not-here').hasAttribute('open')).toBe(true);
});

test('the lines to add by hand are offered where a file cannot be edited, and only there', async () => {
  const path = apps().find(({ id }) => id === 'goose')?.path ?? '';
  const error = { code: 'file_shape', message: '', path } as const;
  const { rerender } = render(ByHand, { id: 'robots', error });
  expect((await screen.findByTestId('by-hand')).textContent).toContain('bridge, robots');
  expect(screen.getByTestId('by-hand').textContent).toContain('Goose');
  await rerender({ id: 'robots', error: { ...error, code: 'file_syntax' } });
  expect(screen.queryByTestId('by-hand')).toBeNull();
});
