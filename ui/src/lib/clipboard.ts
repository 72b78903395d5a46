/**
 * Copies text. WebKit lets a page copy only while it handles a click, so a text that is still on its way is handed over
 * as a promise; where that is not known, the old command of the page does it.
 */
export async function copy(text: string | Promise<string>): Promise<void> {
  const later = Promise.resolve(text);
  try {
    const blob = later.then((value) => new Blob([value], { type: 'text/plain' }));
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
  } catch {
    byCommand(await later);
  }
}

function byCommand(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  field.setAttribute('aria-hidden', 'true');
  field.style.position = 'fixed';
  field.style.opacity = '0';
  // Inside an open dialog everything beside it is inert, the field too.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  const focused = document.activeElement;
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!done) throw new Error('The text could not be copied.');
}
