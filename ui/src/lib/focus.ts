/** Where the keyboard goes when a dialog closes: to what opened it, or as near to that as there is something left. */

function takes(element: Element | null | undefined): boolean {
  if (!(element instanceof HTMLElement) || !element.isConnected || element === document.body) return false;
  element.focus();
  return document.activeElement === element;
}

export function giveBack(opener: Element | null): void {
  // Something else has taken it meanwhile, another dialog for instance.
  const now = document.activeElement;
  if (now && now !== document.body) return;
  const around = opener?.isConnected ? opener.closest('li, aside') : null;
  const near = around?.querySelector('[data-testid^="row-open-"], h2[tabindex]');
  takes(opener) || takes(near) || takes(document.querySelector('main'));
}
