/** More than one line, really pasted with the keyboard into each field for a secret of one line: nothing of it is kept. */
import { expect, needsFixture, open, test, type Page } from './support';

test.beforeEach(async ({ context }) => {
  needsFixture();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
});

async function paste(page: Page, field: string, text: string): Promise<void> {
  await page.evaluate((each) => navigator.clipboard.writeText(each), text);
  await page.getByTestId(field).focus();
  await page.keyboard.press('Control+V');
}

/** Two at once are refused; one with white space around it is taken. */
async function takesOneLineOnly(page: Page, field: string, sentence: string): Promise<void> {
  await page.getByTestId(field).fill('what-was-there-before');
  await paste(page, field, 'first-secret-0123456789\r\nsecond-secret-0123456789');
  await expect(page.getByText(sentence)).toBeVisible();
  await expect(page.getByTestId(field)).toHaveValue('');
  await paste(page, field, 'first-secret-0123456789\n');
  await expect(page.getByText(sentence)).toHaveCount(0);
  await expect(page.getByTestId(field)).toHaveValue('first-secret-0123456789');
}

async function toPaste(page: Page, provider: string): Promise<void> {
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId(`provider-${provider}`).click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'make');
  if (await page.getByTestId('how-token').count()) await page.getByTestId('how-token').check();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'paste');
}

test('a token in the wizard', async ({ page }) => {
  await toPaste(page, 'retently');
  await takesOneLineOnly(page, 'token-input', 'That was more than one line: paste only the token.');
});

test('each of two secrets', async ({ page }) => {
  await toPaste(page, 'datadog');
  for (const field of ['token-input', 'token-input-2']) await takesOneLineOnly(page, field, 'That was more than one line: paste each into its own field.');
});

test('a new token in the renewal, where it cannot be sent then', async ({ page }) => {
  await open(page);
  await page.getByTestId('row-open-retently').click();
  await page.locator('[data-testid^="detail-renew-"]').first().click();
  await takesOneLineOnly(page, 'renew-token', 'That was more than one line: paste only the token.');
  await paste(page, 'renew-token', 'one\ntwo');
  await expect(page.getByTestId('renew-submit')).toBeDisabled();
});

test('the secret of a client of one’s own', async ({ page }) => {
  await open(page, 'signed');
  await page.getByTestId('row-action-more').click();
  await takesOneLineOnly(page, 'client-secret', 'That was more than one line: paste only the client secret.');
});

test('the password of a proxy', async ({ page }) => {
  await open(page);
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('network-open').click();
  await page.getByTestId('network-this').check();
  await takesOneLineOnly(page, 'network-password', 'That was more than one line: paste only the password.');
});

test('the passphrase of the vault', async ({ page }) => {
  await open(page);
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('secrets-vault').click();
  for (const field of ['vault-passphrase', 'vault-passphrase-again']) await takesOneLineOnly(page, field, 'That was more than one line: paste only the passphrase.');
});
