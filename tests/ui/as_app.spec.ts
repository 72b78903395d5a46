/** The check the way an app does it: seen whole first, then tried, then told. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, test } from './support';

test.beforeEach(async ({ page }) => {
  needsFixture();
  await open(page);
});

test('a stranger’s program is shown whole, started after a yes, and what came of it stays', async ({ page }) => {
  await page.getByTestId('nav-apps').click();
  await page.getByTestId('as-app-open-cursor-old-search').click();
  const dialog = page.getByTestId('as-app-dialog');
  await expect(dialog).toHaveAttribute('data-step', 'agree');
  await expect(page.getByTestId('as-app-command')).toContainText('old-search');
  await expect(dialog).toContainText('API_TOKEN');
  await page.getByTestId('as-app-start').click();
  await expect(page.getByTestId('as-app-answer')).toHaveAttribute('data-works', 'false');
  await page.getByTestId('as-app-close').click();
  await expect(page.getByTestId('as-app-last-cursor-old-search')).toHaveAttribute('data-works', 'false');
});

test('where the app would start nothing, nobody is asked: the cause is told at once, with the command', async ({ page }) => {
  await page.getByTestId('nav-apps').click();
  await page.getByTestId('as-app-open-claude-desktop-filesystem').click();
  await expect(page.getByTestId('as-app-answer')).toHaveAttribute('data-works', 'false');
  await expect(page.getByTestId('as-app-findings')).toContainText('Claude Desktop does not find “npx”');
  await page.getByTestId('as-app-dialog').locator('summary').click();
  await expect(page.getByTestId('as-app-command')).toContainText('@modelcontextprotocol/server-filesystem');
  await page.getByTestId('as-app-close').click();
  await expect(page.getByTestId('as-app-last-claude-desktop-filesystem')).toHaveAttribute('data-works', 'false');
});

test('nothing is started where the answer is no', async ({ page }) => {
  await page.getByTestId('nav-apps').click();
  await page.getByTestId('as-app-open-cursor-old-search').click();
  await page.getByTestId('as-app-close').click();
  await expect(page.getByTestId('as-app-dialog')).toHaveCount(0);
  await expect(page.getByTestId('as-app-last-cursor-old-search')).toHaveCount(0);
});

test('a connection is tried the way its app does it, from its details', async ({ page }) => {
  await page.getByTestId('row-open-robots').click();
  await page.getByTestId('as-app-open-claude-desktop-robots').click();
  await expect(page.getByTestId('as-app-answer')).toHaveAttribute('data-works', 'true');
  await expect(page.getByTestId('as-app-step-tools')).toHaveAttribute('data-mark', 'passed');
});

for (const scheme of ['light', 'dark'] as const) {
  test(`a long command and its cause are readable in ${scheme}, also at 200 %`, async ({ page }, info) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, 'long');
    await page.getByTestId('nav-apps').click();
    await page.getByTestId('as-app-open-claude-desktop-filesystem').click();
    await expect(page.getByTestId('as-app-plan')).toBeVisible();
    await info.attach(`plan ${scheme}`, { body: await page.screenshot(), contentType: 'image/png' });
    await expectNoViolations(page, `plan ${scheme}`);
    await page.setViewportSize({ width: 512, height: 384 });
    await expectNoSidewaysScroll(page, `plan ${scheme} at 200 %`);
    await page.getByTestId('as-app-start').click();
    await expect(page.getByTestId('as-app-answer')).toBeVisible();
    await expectNoSidewaysScroll(page, `result ${scheme} at 200 %`);
    await expectNoViolations(page, `result ${scheme}`);
    await info.attach(`result ${scheme}`, { body: await page.screenshot(), contentType: 'image/png' });
  });
}
