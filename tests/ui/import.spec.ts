/** Bringing in what the apps have, the same set in another app, and an end that is said later. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, test, type Page } from './support';

test.beforeEach(() => needsFixture());

async function toImport(page: Page): Promise<void> {
  await open(page);
  await page.getByTestId('nav-apps').click();
  await page.getByTestId('apps-import').click();
  await expect(page.getByTestId('view-import')).toBeVisible();
}

test('a service is brought in, and undone from the toast', async ({ page }) => {
  await toImport(page);
  const card = page.getByTestId('found-linear');
  await expect(card).toContainText('A token lies in plain text in 2 files');
  await card.locator('summary').click();
  await expect(card).toContainText('headers.Authorization');
  await page.getByTestId('bring-linear').click();
  await expect(page.getByTestId('plan-file-claude-desktop')).toBeVisible();
  await page.getByTestId('plan-file-claude-code').locator('summary').click();
  await expect(page.getByTestId('plan-diff-claude-code')).toContainText('bridge');
  await expect(page.getByTestId('bring-history')).toBeVisible();
  await page.getByTestId('bring-apply').click();
  await expect(page.getByTestId('bring-dialog')).toHaveCount(0);
  await expect(card).toHaveCount(0);
  await page.getByTestId('toast-undo').click();
  await expect(card).toBeVisible();
});

test('everything with a token comes in with one click, and what needs an answer waits', async ({ page }) => {
  await toImport(page);
  await page.getByTestId('import-all').click();
  await expect(page.getByTestId('bring-dialog')).toContainText('Issues');
  await page.getByTestId('bring-apply').click();
  await expect(page.getByTestId('bring-dialog')).toHaveCount(0);
  await expect(page.getByTestId('found-issues')).toHaveCount(0);
  await expect(page.getByTestId('found-service-desk')).toBeVisible();
  await page.getByTestId('bring-service-desk').click();
  await expect(page.getByTestId('bring-apply')).toBeDisabled();
  await page.getByTestId('bring-ask-account').fill('widget');
  await page.getByTestId('bring-name').fill('Desk');
  await page.getByTestId('bring-apply').click();
  await page.getByTestId('nav-connections').click();
  await expect(page.getByTestId('row-desk')).toBeVisible();
  await expect(page.getByTestId('row-status-issues')).toContainText('A program that your apps start');
});

test('what cannot be moved says why, and offers nothing', async ({ page }) => {
  await toImport(page);
  await page.getByTestId('import-rest').locator('summary').first().click();
  const maps = page.getByTestId('found-maps');
  await expect(maps).toContainText('The token is a part of the address');
  await expect(maps.getByRole('button')).toHaveCount(0);
});

test('a first start leads here, and says when there is nothing', async ({ page }) => {
  await open(page, 'empty');
  await page.getByTestId('see-apps').click();
  await expect(page.getByTestId('import-empty')).toContainText('Nothing to bring in');
});

test('an app with nothing in it gets the same as another one', async ({ page }) => {
  await open(page);
  await page.getByTestId('nav-apps').click();
  await page.getByTestId('app-copy-vscode').click();
  await page.getByTestId('copy-from').selectOption('codex');
  await expect(page.getByTestId('plan-file-vscode')).toBeVisible();
  await page.getByTestId('copy-apply').click();
  await expect(page.getByTestId('copy-dialog')).toHaveCount(0);
  await page.getByTestId('nav-connections').click();
  await page.getByTestId('row-open-practice').click();
  await expect(page.getByTestId('detail')).toContainText('VS Code');
});

test('the end of a token is said later', async ({ page }) => {
  await open(page);
  await page.getByTestId('row-open-surveys').click();
  await page.getByTestId('detail-ends-t-surveys').click();
  await page.getByTestId('token-expires-30').click();
  await page.getByTestId('ends-save').click();
  await expect(page.getByTestId('ends-dialog')).toHaveCount(0);
  await expect(page.getByTestId('detail-token-t-surveys')).toContainText('you said so');
});

for (const scheme of ['light', 'dark'] as const) {
  for (const [width, height] of [[1180, 760], [480, 640]] as const) {
    test(`${scheme}, ${width} px: nothing is cut off, and everything can be reached`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height });
      await toImport(page);
      await expectNoSidewaysScroll(page, 'list');
      await expectNoViolations(page, 'list');
      if (process.env.PATCHBAY_SHOTS) await page.screenshot({ path: `${process.env.PATCHBAY_SHOTS}/list-${scheme}-${width}.png` });
      await page.getByTestId('import-all').click();
      await expect(page.getByTestId('plan-file-codex')).toBeVisible();
      await expectNoSidewaysScroll(page, 'dialog');
      await expectNoViolations(page, 'dialog');
      if (process.env.PATCHBAY_SHOTS) await page.screenshot({ path: `${process.env.PATCHBAY_SHOTS}/dialog-${scheme}-${width}.png` });
    });
  }
}
