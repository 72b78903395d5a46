/** What a person reads of a check. */
import { render, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { report } from '../backend/fake/fixtures';
import type { Layer } from '../bindings/Layer';
import type { Report } from '../bindings/Report';
import Layers from './Layers.svelte';
import { outcome } from './outcome';
import VerdictNote from './VerdictNote.svelte';

const layer = (kind: Layer['kind'], mark: Layer['mark'], cause?: Layer['cause']): Layer => ({ kind, mark, millis: 1, detail: null, ...(cause ? { cause } : {}) });

test('a cause is told before its verdict, and what failed before what is only to know', () => {
  const slow = { ...report('too_slow'), layers: [layer('tools', 'warned', 'tools_twice'), layer('call', 'failed', 'slow')] };
  expect(outcome(slow)).toBe('The service takes the question and does not answer in time. Try again in a while.');
  expect(outcome({ ...slow, layers: [layer('call', 'failed')] })).toBe('The service took too long to answer. Try again in a while.');
});

const explained: Report = { ...report('not_allowed'), explained: { say: 'Sera AI is switched off.', then: 'Ask an administrator.' } };

test('what the service is known to mean takes the place of the general words, and of the general hint', () => {
  render(VerdictNote, { report: explained, testid: 'note', hint: 'A general hint.' });
  expect(screen.getByTestId('note').textContent).toContain('Sera AI is switched off. Ask an administrator.');
  expect(screen.getByTestId('note').textContent).not.toContain('A general hint.');
});

test('what works with something to know does not look as if there were nothing', () => {
  const layers = [layer('tools', 'warned', 'no_tools')];
  render(VerdictNote, { report: { ...report('working'), layers }, testid: 'note', say: 'All is well.' });
  expect(screen.getByTestId('note').textContent).toContain('It works, but it offers no tools.');
  expect(screen.getByTestId('note').classList).not.toContain('good');
});

test('a layer says why it failed, and not what usually fails there', () => {
  render(Layers, { layers: [layer('sign_in', 'failed', 'overloaded')] });
  expect(screen.getByTestId('layer-sign_in').textContent).toContain('overloaded');
  expect(screen.getByTestId('layer-sign_in').textContent).not.toContain('token');
});
