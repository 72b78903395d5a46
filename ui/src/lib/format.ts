/** Moments, days and spans in words, by the system's own rules. `now` is an argument, as in the core. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The system's language; where it names none that is one (`C` on Linux), the language of the words. */
const locale = (): string => {
  const own = typeof navigator === 'undefined' ? '' : navigator.language;
  try {
    return Intl.getCanonicalLocales(own)[0] ?? 'en-GB';
  } catch {
    return 'en-GB';
  }
};

/** `5 minutes ago`, `yesterday`, `just now`. */
export function ago(at: string, now: string): string {
  const delta = Date.parse(at) - Date.parse(now);
  if (Number.isNaN(delta)) return '';
  const size = Math.abs(delta);
  if (size < MINUTE) return 'just now';
  const relative = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });
  if (size < HOUR) return relative.format(Math.trunc(delta / MINUTE), 'minute');
  if (size < DAY) return relative.format(Math.trunc(delta / HOUR), 'hour');
  if (size < 60 * DAY) return relative.format(Math.trunc(delta / DAY), 'day');
  return relative.format(Math.trunc(delta / (30 * DAY)), 'month');
}

/** `21 November 2026`. */
export function day(at: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'long' }).format(new Date(at));
}

/** `21 November 2026` for a plain `YYYY-MM-DD`, whatever the time zone. */
export function plainDay(date: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${date}T00:00:00Z`));
}

/** `14:05`. */
export function clock(at: string): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }).format(new Date(at));
}

/** `21 November 2026 at 14:05`. */
export function moment(at: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeStyle: 'short' }).format(new Date(at));
}

/** `14:05` today, otherwise the day. */
export function since(at: string, now: string): string {
  return localDay(at) === localDay(now) ? clock(at) : day(at);
}

/** `84 ms`, `1.2 s`. */
export function span(millis: number): string {
  if (millis < 1) return '< 1 ms';
  if (millis < 1000) return `${Math.round(millis)} ms`;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(millis / 1000)} s`;
}

/** `30 seconds`, `2 minutes`. */
export function wait(seconds: number): string {
  const steps: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, 'second'];
  return new Intl.NumberFormat('en-GB', { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(seconds / size));
}

/** The local calendar day of a moment, `YYYY-MM-DD`. */
export function localDay(at: string): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The calendar day so many days after a moment, `YYYY-MM-DD`. */
export function dayIn(days: number, now: string): string {
  const date = new Date(now);
  date.setDate(date.getDate() + days);
  return localDay(date.toISOString());
}

/** Groups by local calendar day, order kept. */
export function byDay<T extends { at: string }>(items: T[]): { day: string; items: T[] }[] {
  const groups: { day: string; items: T[] }[] = [];
  for (const item of items) {
    const its = localDay(item.at);
    const last = groups.at(-1);
    if (last?.day === its) last.items.push(item);
    else groups.push({ day: its, items: [item] });
  }
  return groups;
}
