/** How the specs open the window: on the fixture, or with PATCHBAY_TEST_BACKEND on the real core over loopback. */
import { AxeBuilder, expect, test, type Page } from '../../ui/e2e';

export { expect, test };
export type { Page };

export const REAL = process.env.PATCHBAY_TEST_BACKEND ?? null;

/** Specs of one screen's states need the fixture that has them. */
export function needsFixture(): void {
  test.skip(REAL !== null, 'draws a fixture');
}

export async function open(page: Page, fixture = 'rich'): Promise<void> {
  const query = REAL ? `backend=${encodeURIComponent(REAL)}` : `fixture=${fixture}`;
  await page.goto(`/?${query}`);
}

/** No violation of WCAG 2.2 AA as far as axe can tell. */
export async function expectNoViolations(page: Page, what: string): Promise<void> {
  // What fades in is faint for a moment; what turns for ever is not waited for.
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map((one) => one.finished));
  });
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  expect(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map((node) => node.target.join(' ')).join(' | ')}`)).toEqual([]);
}

/** Nothing sticks out sideways. */
export async function expectNoSidewaysScroll(page: Page, what: string): Promise<void> {
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll('main, aside, dialog, html')].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.tagName),
  );
  expect(wide, what).toEqual([]);
}

export async function token(page: Page, value = 'practice-token-1234567890'): Promise<void> {
  await page.getByTestId('token-input').fill(value);
}

/** What the window wanted to open in the system, which tests only note. */
export function opened(page: Page): Promise<string[]> {
  return page.evaluate(() => ((window as unknown as { opened?: string[] }).opened ?? []).slice());
}
