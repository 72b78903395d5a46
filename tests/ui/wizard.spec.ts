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
  await page.getByTestId('how-sign-in').focus();
  await press(page, 'ArrowDown');
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
    await token(page, `token-of-${app.replace(' ', '-')}-0123456789`);
    await page.getByTestId('wizard-next').click();
  }
  // A press while the token is still being looked at would be the same press.
  await at(page, 'review');
  await page.getByTestId('wizard-next').click();
  await at(page, 'check');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByText('Claude Code MCP')).toBeVisible();
});

test('an odd token warns and can be overruled; the date is held to the service’s limits', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('how-token').check();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('token-error')).toHaveText('Paste the token here.');
  await expect(page.getByTestId('token-input')).toBeFocused();
  await token(page, '  short ');
  await expect(page.getByTestId('token-cleaned')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('token-undecided')).toBeVisible();
  await expect(page.getByTestId('token-overrule')).toBeFocused();
  await at(page, 'paste');
  await page.getByTestId('token-overrule').check();
  await page.getByTestId('token-expires-other').click();
  await page.getByTestId('token-expires').fill('2020-01-01');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('field-error-expires')).toContainText('has passed');
  await page.getByTestId('token-expires-suggested').click();
  await expect(page.getByTestId('token-expires-unknown')).toHaveCount(0);
  await page.getByTestId('wizard-next').click();
  await at(page, 'apps');
});

test('the token is hidden, and leaving keeps nothing', async ({ page }) => {
  needsFixture();
  await open(page);
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('how-token').check();
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
  await page.getByTestId('how-token').check();
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

/** Through the wizard for Retently, up to its last look at the change. */
async function toReview(page: Page, value: string): Promise<void> {
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('how-token').check();
  await page.getByTestId('wizard-next').click();
  await token(page, value);
  await page.getByTestId('token-expires-suggested').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await at(page, 'review');
}

/** With one token for each app, to where the first is pasted. */
async function toFirstOfEach(page: Page): Promise<void> {
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-xurrent').click();
  await page.getByTestId('field-account').fill('widget');
  for (const step of ['make', 'apps', 'paste']) {
    await page.getByTestId('wizard-next').click();
    await at(page, step);
  }
}

test('one token pasted for two apps is said while it is pasted', async ({ page }) => {
  needsFixture();
  await toFirstOfEach(page);
  await token(page, 'one-token-0123456789');
  await page.getByTestId('token-expires-unknown').click();
  await expect(page.getByTestId('token-expires-endless')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByRole('heading', { level: 2 })).toContainText('Claude Code');
  await token(page, 'Bearer one-token-0123456789');
  await expect(page.getByTestId('token-error')).toHaveText('This is the token you gave Claude Desktop. Make another one for Claude Code.');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('token-input')).toBeFocused();
  await at(page, 'paste');
});

test('a further token that is refused after all is pasted again, and leaving says who uses whose', async ({ page }) => {
  needsFixture();
  await toFirstOfEach(page);
  for (const [app, value] of [['Claude Desktop', 'good-1'], ['Claude Code', 'good-2'], ['Codex', 'reject']]) {
    await expect(page.getByRole('heading', { level: 2 })).toContainText(app ?? '');
    await token(page, `${value}-token-0123456789`);
    await page.getByTestId('wizard-next').click();
  }
  await at(page, 'review');
  await page.getByTestId('wizard-next').click();
  await at(page, 'paste');
  await expect(page.getByTestId('token-error')).toBeVisible();
  await expect(page.getByTestId('wizard-next')).toHaveText('Save the token for Codex');
  await expect(page.getByTestId('wizard-back')).toHaveCount(0);
  await page.getByTestId('wizard-cancel').click();
  await expect(page.getByTestId('wizard-cancel-dialog')).toContainText('Codex uses the token of Claude Desktop');
  await page.getByTestId('wizard-cancel-stay').click();
  await token(page, 'good-3-token-0123456789');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
  await page.getByTestId('wizard-next').click();
  await expect(page.locator('[data-testid^="detail-token-"]')).toHaveCount(3);
});

test('a vault is made without leaving the wizard, and the answers stay', async ({ page }) => {
  needsFixture();
  await open(page, 'no-keychain');
  await toReview(page, 'practice-token-1234567890');
  await expect(page.getByTestId('vault-banner')).toBeVisible();
  await page.getByTestId('vault-banner-unlock').click();
  await expect(page.getByTestId('store-dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('store-dialog')).toHaveCount(0);
  await at(page, 'review');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard-error')).toContainText('no keychain');
  await page.getByTestId('wizard-error').getByRole('button', { name: 'Set up the vault' }).click();
  await page.getByTestId('vault-passphrase').fill('correct horse battery');
  await page.getByTestId('vault-passphrase-again').fill('correct horse battery');
  await page.getByTestId('vault-create').click();
  await expect(page.getByTestId('store-dialog')).toHaveCount(0);
  await expect(page.getByTestId('vault-banner')).toHaveCount(0);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
});

test('a refused token is mended from the check', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await toReview(page, 'refuse-token-1234567890');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'token_refused');
  await expect(page.getByTestId('wizard-restart-claude-desktop')).toHaveCount(0);
  await page.getByTestId('check-mend').click();
  await page.getByTestId('renew-token').fill('a-good-token-0123456789');
  await page.getByTestId('token-expires-suggested').click();
  await page.getByTestId('renew-submit').click();
  await page.getByTestId('renew-done').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
  await expect(page.getByTestId('wizard-restart-claude-desktop')).toBeVisible();
});

test('a wrong address is mended from the check', async ({ page }) => {
  needsFixture();
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-custom').click();
  await page.getByTestId('field-url').fill('https://nowhere.example.com/mcp');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('field-name')).toBeFocused();
  await page.getByTestId('field-name').fill('Invoices');
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('token-none').check();
  for (const step of ['apps', 'review', 'check']) {
    await page.getByTestId('wizard-next').click();
    await at(page, step);
  }
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'wrong_address');
  await page.getByTestId('check-mend').click();
  await page.getByTestId('edit-dialog').getByTestId('field-url').fill('https://mcp.example.com/mcp');
  await page.getByTestId('edit-save').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
});
