import { expect, test } from 'vitest';

const sources = import.meta.glob<string>('./**/*.{ts,svelte}', { query: '?raw', import: 'default', eager: true });
const files = Object.entries(sources).filter(([path]) => !path.endsWith('.test.ts'));

test('only the backend folder knows the desktop window', () => {
  const knowing = files.filter(([, text]) => text.includes('@tauri-apps')).map(([path]) => path);
  expect(knowing).toEqual(['./backend/tauri.ts']);
});

test('strings from files and servers never become markup', () => {
  const risky = files.filter(([, text]) => /\{@html|innerHTML|insertAdjacentHTML/.test(text)).map(([path]) => path);
  expect(risky).toEqual([]);
});

test('components stay short', () => {
  const long = files.filter(([path, text]) => path.endsWith('.svelte') && text.split('\n').length > 200).map(([path]) => path);
  expect(long).toEqual([]);
});
