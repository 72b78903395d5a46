/** The activity's states, and leaving. */
import { expect, needsFixture, open, test } from './support';

test.beforeEach(async ({ page }) => {
  needsFixture();
  await open(page);
});

test('what is in the way of an undo is named, and one press leads there', async ({ page }) => {
  await page.getByTestId('nav-activity').click();
  await expect(page.getByTestId('activity-undo-c-3')).toHaveCount(0);
  await expect(page.getByTestId('activity-obstacle-c-3')).toContainText('In the way is a later change');
  await page.getByTestId('activity-go-c-3').click();
  await expect(page.getByTestId('activity-c-0')).toBeFocused();
  await expect(page.getByTestId('activity-c-3')).toContainText('/home/user/projects/invoices');
  await expect(page.getByTestId('activity-obstacle-c-2')).toContainText('another program');
});

test('a token in a copy is taken out after a question', async ({ page }) => {
  await page.getByTestId('nav-activity').click();
  await page.getByTestId('activity-purge-c-3').click();
  await page.getByTestId('purge-cancel').click();
  await expect(page.getByTestId('activity-token-c-3')).toBeVisible();
  await page.getByTestId('activity-purge-c-3').click();
  await page.getByTestId('purge-confirm').click();
  await expect(page.getByTestId('activity-token-c-3')).toHaveCount(0);
  await expect(page.getByTestId('activity-token-c-2')).toBeVisible();
});

test('all copies with tokens can go at once', async ({ page }) => {
  await page.getByTestId('nav-activity').click();
  await page.getByTestId('activity-purge-c-3').click();
  await page.getByTestId('purge-all').check();
  await page.getByTestId('purge-confirm').click();
  await expect(page.getByTestId('toast')).toContainText('2 copies');
  await expect(page.getByTestId('activity-token-c-2')).toHaveCount(0);
});

test('leaving shows what it does, and afterwards what it did', async ({ page }) => {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('leave-open').click();
  await expect(page.getByTestId('leave-stays-codex')).toContainText('somebody changed it');
  await page.getByTestId('leave-take-changed').check();
  await expect(page.getByTestId('leave-stays-codex')).toHaveCount(0);
  await page.getByTestId('leave-confirm').click();
  await expect(page.getByTestId('leave-dialog')).toHaveAttribute('data-step', 'left');
  await expect(page.getByTestId('left-facts')).toContainText('taken out');
  await expect(page.getByTestId('leave-dialog')).toContainText('/home/user/.local/share/patchbay');
  await page.getByTestId('leave-done').click();
  await page.getByTestId('nav-connections').click();
  await expect(page.getByTestId('first-start')).toBeVisible();
});

test('tokens in plain text are wanted in so many words, or nothing happens', async ({ page }) => {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('leave-open').click();
  await page.getByTestId('leave-keep').check();
  await expect(page.getByTestId('leave-plain')).toContainText('plain text');
  await expect(page.getByTestId('leave-confirm')).toBeDisabled();
  await page.getByTestId('leave-understand').check();
  await page.getByTestId('leave-confirm').click();
  await expect(page.getByTestId('left-facts')).toContainText('without Patchbay');
});
