/** The present moment, for spans like "5 minutes ago": it moves on while the window is open, also where nothing else changes. */

const STEP = 30_000;

export const clock = $state({ now: new Date().toISOString() });

/** Moves to a moment: that of a snapshot, or the present one. */
export function moveTo(now: string = new Date().toISOString()): void {
  clock.now = now;
}

/** Keeps it moving while somebody can see it, until the function that comes back is called. */
export function keepMoving(): () => void {
  const move = (): void => {
    if (!document.hidden) moveTo();
  };
  const timer = setInterval(move, STEP);
  document.addEventListener('visibilitychange', move);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', move);
  };
}
