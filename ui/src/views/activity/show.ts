/** Brings a change into view and the keyboard to it. */
export function showChange(id: string): void {
  const row = document.querySelector<HTMLElement>(`[data-testid="activity-${CSS.escape(id)}"]`);
  row?.scrollIntoView({ block: 'center' });
  row?.focus();
}
