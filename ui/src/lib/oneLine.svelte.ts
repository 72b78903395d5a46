/**
 * Fields for a secret of one line. The page itself would put a blank in the place of a line break, or leave it out, and
 * so make one wrong secret of two: what is pasted or dropped over several lines is therefore caught before.
 */

/** The text that a paste or a drop brings, if it is more than one line: then the event ends here. */
export function severalLines(event: ClipboardEvent | DragEvent): string | null {
  const from = 'clipboardData' in event ? event.clipboardData : event.dataTransfer;
  const text = from?.getData('text/plain').trim() ?? '';
  if (!/[\r\n\u2028\u2029]/.test(text)) return null;
  event.preventDefault();
  return text;
}

/** What a field of one line was given last. Nobody can see what is left in a hidden field, so nothing is. */
export class OneLine {
  /** It was more than one line, and nothing of it was kept. */
  refused = $state(false);
  readonly #empty: () => void;

  constructor(empty: () => void) {
    this.#empty = empty;
  }

  /** For the field's `onpaste` and `ondrop`. */
  readonly take = (event: ClipboardEvent | DragEvent): void => {
    this.refused = severalLines(event) !== null;
    if (this.refused) this.#empty();
  };

  /** For the field's `oninput`. */
  readonly typed = (): void => {
    this.refused = false;
  };
}
