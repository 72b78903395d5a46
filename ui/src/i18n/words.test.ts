import { expect, test } from 'vitest';
import { counted, listed, words } from './index';

/** Every text of the language, functions called with stand-ins. */
function texts(from: unknown, path = ''): [string, string][] {
  if (typeof from === 'string') return [[path, from]];
  if (typeof from === 'function') return texts((from as (...args: unknown[]) => unknown)(2, 3), path);
  return Object.entries(from as object).flatMap(([key, value]) => texts(value, `${path}.${key}`));
}

test('no text is empty', () => {
  expect(texts(words).filter(([, text]) => text.trim() === '')).toEqual([]);
});

test('no jargon stands in a sentence', () => {
  const jargon = /\b(URL|stdio|JSON|MCP|config|endpoint|server|header|HTTP|OAuth|TLS|bearer)\b/;
  expect(texts(words).filter(([, text]) => jargon.test(text))).toEqual([]);
});

test('every failure is a sentence with a button', () => {
  for (const [code, { say, do: button }] of Object.entries({ ...words.code, ...words.verdict })) {
    if (code !== 'working') expect(say, code).toMatch(/[.?]$|https:\/\/$/);
    expect(button.length, code).toBeLessThan(24);
  }
});

test('every cause is a sentence, and so is what to do then', () => {
  for (const [cause, { say, then }] of Object.entries(words.cause)) {
    for (const text of [say, then]) expect(text, cause).toMatch(/^[A-Z].*\.$/);
  }
});

test('numbers and lists read as English', () => {
  expect(counted(1, 'app', 'apps')).toBe('1 app');
  expect(counted(0, 'app', 'apps')).toBe('0 apps');
  expect(listed(['Claude Desktop', 'Claude Code', 'Codex'])).toBe('Claude Desktop, Claude Code and Codex');
});
