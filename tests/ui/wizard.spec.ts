/** The wizard: by keyboard alone, with one token for each app, and left half-way. */
import { expect, needsFixture, open, opened, test, token, type Page } from './support';

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

const at = (page: Page, step: string) => expect(page.getByTestId('wizard')).toHaveAttribute('data-step', step);

test('a service is connected with the keyboard alone', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('connect-service').focus();
  await press(page, 'Enter');
  await expect(page.getByTestId('provider-xurrent')).toBeFocused();
  await press(page, 'Tab', 'Enter');
  await at(page, 'details');
  await expect(page.getByTestId('field-name')).toBeFocused();
  await expect(page.getByTestId('field-name')).toHaveValue('Retently');
  await press(page, 'Enter');
  await at(page, 'make');
  await page.getByTestId('wizard-next').press('Enter');
  await at(page, 'paste');
  await expect(page.getByTestId('token-input')).toBeFocused();
  await page.keyboard.type('rtly_mcp_pat_0123456789_abcdef');
  await press(page, 'Enter');
  await expect(page.getByTestId('field-error-expires')).toContainText('has an end');
  await page.getByTestId('token-expires-suggested').press('Enter');
  await page.getByTestId('wizard-next').press('Enter');
  await at(page, 'apps');
  await page.getByTestId('app-choice-claude-desktop').press('Enter');
  await at(page, 'review');
  await expect(page.getByTestId('plan-file-claude-code')).toBeVisible();
  await page.getByTestId('wizard-next').press('Enter');
  await at(page, 'check');
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
  await expect(page.getByTestId('wizard-restart-claude-desktop')).toContainText('Fully quit Claude Desktop');
  await page.getByTestId('wizard-next').press('Enter');
  await expect(page.getByTestId('row-retently')).toHaveAttribute('data-group', 'working');
});

test('one token for each app is pasted for its app', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-xurrent').click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('field-error-account')).toBeVisible();
  await page.getByTestId('field-account').fill('widget');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('per-app-each')).toBeChecked();
  await page.getByTestId('wizard-open-page').click();
  expect(await opened(page)).toEqual([expect.stringContaining('personal_access_tokens')]);
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('app-create-codex').or(page.getByTestId('app-choice-codex')).uncheck();
  await page.getByTestId('wizard-next').click();
  for (const app of ['Claude Desktop', 'Claude Code']) {
    await expect(page.getByRole('heading', { level: 2 })).toContainText(app);
    await expect(page.getByTestId('token-input')).toHaveValue('');
    await token(page, `token-of-${app}-0123456789`);
    await page.getByTestId('wizard-next').click();
  }
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByText('Claude Code MCP')).toBeVisible();
});

test('an odd token warns and can be overruled; the date is held to the service’s limits', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await token(page, '  short ');
  await expect(page.getByTestId('token-cleaned')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  await at(page, 'paste');
  await page.getByTestId('token-overrule').check();
  await page.getByTestId('token-expires').fill('2020-01-01');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('field-error-expires')).toContainText('has passed');
  await page.getByTestId('token-expires-suggested').click();
  await page.getByTestId('wizard-next').click();
  await at(page, 'apps');
});

test('the token is hidden, and leaving keeps nothing', async ({ page }) => {
  needsFixture();
  await open(page);
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await token(page);
  await expect(page.getByTestId('token-input')).toHaveAttribute('type', 'password');
  await press(page, 'Escape');
  await expect(page.getByTestId('wizard-cancel-dialog')).toBeVisible();
  await press(page, 'Escape');
  await expect(page.getByTestId('token-input')).toHaveValue('practice-token-1234567890');
  await page.getByTestId('wizard-cancel').click();
  await page.getByTestId('wizard-cancel-leave').click();
  await expect(page.getByTestId('row-retently-2')).toHaveCount(0);
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('token-input')).toHaveValue('');
});

test('the practice service opens its wizard from the first start', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('try-practice').click();
  await at(page, 'details');
  await expect(page.getByTestId('field-name')).toHaveValue('Practice service');
});
