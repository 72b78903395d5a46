/** What the rows, the details and the settings do. */
import { expect, needsFixture, open, opened, test } from './support';

test.beforeEach(async ({ page }) => {
  needsFixture();
  await open(page);
});

test('a change from outside is put back, and that is undone from the toast', async ({ page }) => {
  await page.getByTestId('row-action-invoices').click();
  await expect(page.getByTestId('row-invoices')).toHaveAttribute('data-group', 'working');
  await expect(page.getByTestId('announce')).toHaveText('Put back in Codex');
  await page.getByTestId('toast-undo').click();
  await expect(page.getByTestId('row-invoices')).toHaveAttribute('data-status', 'changed_outside');
});

test('a change from outside is kept', async ({ page }) => {
  await page.getByTestId('row-open-invoices').click();
  await expect(page.getByTestId('detail-drift-codex')).toContainText('Somebody or some program changed how Codex starts it.');
  await expect(page.getByTestId('detail-drift-codex').getByText('npx')).toBeHidden();
  await page.getByTestId('detail-drift-raw-codex').locator('summary').click();
  await expect(page.getByTestId('detail-drift-codex').getByText('npx')).toBeVisible();
  await page.getByTestId('detail-keep-codex').click();
  await expect(page.getByTestId('detail-drift-codex')).toHaveCount(0);
});

test('a check shows its layers while it runs', async ({ page }) => {
  await page.getByTestId('row-open-surveys').click();
  await page.getByTestId('detail-check').click();
  await expect(page.getByTestId('layer-tools')).toHaveAttribute('data-mark', 'waiting');
  await expect(page.getByTestId('detail-verdict')).toHaveAttribute('data-verdict', 'working');
  await expect(page.getByTestId('layer-tools')).toHaveAttribute('data-mark', 'passed');
  await expect(page.getByTestId('row-surveys')).toHaveAttribute('data-status', 'working');
});

test('checking all can be stopped', async ({ page }) => {
  await page.getByTestId('check-all').click();
  await page.getByTestId('cancel-checks').click();
  await expect(page.getByTestId('check-all')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a token is renewed and the old one seen refused', async ({ page }) => {
  await page.getByTestId('row-action-xurrent').click();
  await page.getByTestId('renew-open-page').click();
  await page.getByTestId('renew-token').fill('refuse-0123456789');
  await page.getByTestId('renew-submit').click();
  await expect(page.getByTestId('renew-error')).toContainText('Nothing was changed');
  await page.getByTestId('renew-token').fill('a-good-token-0123456789');
  await page.getByTestId('renew-submit').click();
  await expect(page.getByTestId('renew-dialog')).toHaveAttribute('data-step', 'working');
  await page.getByTestId('renew-open-revoke').click();
  expect(await opened(page)).toHaveLength(2);
  await page.getByTestId('renew-revoked').click();
  await page.getByTestId('renew-done').click();
  await expect(page.getByTestId('row-xurrent')).toHaveAttribute('data-group', 'working');
});

test('a token that was refused before is renewed without a further question', async ({ page }) => {
  await page.getByTestId('row-action-retently').click();
  await page.getByTestId('renew-token').fill('a-good-token-0123456789');
  await page.getByTestId('token-expires-suggested').click();
  await page.getByTestId('renew-submit').click();
  await expect(page.getByTestId('renew-dialog')).toHaveAttribute('data-step', 'retired');
  await expect(page.getByTestId('renew-dialog')).toContainText('Claude Desktop, Claude Code and Codex use the new token from now on.');
  await page.getByTestId('renew-done').click();
  await expect(page.getByTestId('row-retently')).toHaveAttribute('data-group', 'working');
});

test('an old token that still works is said to', async ({ page }) => {
  await page.getByTestId('row-action-retently').click();
  await page.getByTestId('renew-token').fill('keep-0123456789012');
  await expect(page.getByTestId('renew-submit')).toBeDisabled();
  await page.getByTestId('token-expires-suggested').click();
  await page.getByTestId('renew-submit').click();
  await page.getByTestId('renew-revoked').click();
  await expect(page.getByTestId('renew-still-works')).toBeVisible();
  await page.getByTestId('renew-later').click();
  await expect(page.getByTestId('row-retently')).toHaveAttribute('data-status', 'old_token_to_revoke');
});

test('removal says what is deleted, and is undone', async ({ page }) => {
  await page.getByTestId('row-open-robots').click();
  await page.getByTestId('detail-remove').click();
  await expect(page.getByTestId('remove-dialog')).toContainText('deleted from the keychain');
  await page.getByTestId('remove-confirm').click();
  await expect(page.getByTestId('row-robots')).toHaveCount(0);
  await expect(page.getByTestId('detail')).toHaveCount(0);
  await page.getByTestId('toast-undo').click();
  await expect(page.getByTestId('row-robots')).toBeVisible();
});

test('apps are changed after the change was seen', async ({ page }) => {
  await page.getByTestId('row-action-old-desk').click();
  await page.getByTestId('app-choice-claude-code').check();
  await page.getByTestId('wiring-details').locator('summary').click();
  await page.getByTestId('wiring-claude-code').selectOption('headers-helper');
  await page.getByTestId('apps-review').click();
  await expect(page.getByTestId('plan-file-claude-code')).toContainText('Claude Code gets one new entry');
  await page.getByTestId('apps-apply').click();
  await expect(page.getByTestId('row-old-desk')).toHaveAttribute('data-group', 'working');
});

test('Escape closes the dialog, then the details, and the focus comes back', async ({ page }) => {
  await page.getByTestId('row-open-github').press('Enter');
  await page.getByTestId('detail-edit').click();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('edit-dialog')).toHaveCount(0);
  await expect(page.getByTestId('detail')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('detail')).toHaveCount(0);
  await expect(page.getByTestId('row-open-github')).toBeFocused();
});

test('the call is copied with a stand-in for the token', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByTestId('row-open-practice').click();
  await page.getByTestId('detail-curl').click();
  await expect(page.getByTestId('toast')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('Bearer $TOKEN');
});

test('copying works where the page may not use the clipboard', async ({ page }) => {
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.getByTestId('row-open-practice').click();
  await page.getByTestId('detail-curl').click();
  await expect(page.getByTestId('toast')).toContainText('Copied');
});

test('checks by themselves are set, and on battery only where they run at all', async ({ page }) => {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('setting-check-every').selectOption({ label: 'Every hour' });
  await page.getByTestId('setting-check-on-battery').check();
  await page.getByTestId('nav-connections').click();
  await page.getByTestId('nav-settings').click();
  await expect(page.getByTestId('setting-check-every')).toHaveValue('1');
  await expect(page.getByTestId('setting-check-on-battery')).toBeChecked();
  await page.getByTestId('setting-check-every').selectOption({ label: 'Never' });
  await expect(page.getByTestId('setting-check-on-battery')).toHaveCount(0);
});

test('settings are saved and a vault is made', async ({ page }) => {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('setting-reminder-30').getByRole('button').click();
  await expect(page.getByTestId('setting-reminder-30')).toHaveCount(0);
  await page.getByTestId('setting-reminder-new').fill('21');
  await page.getByTestId('setting-reminder-add').click();
  await expect(page.getByTestId('setting-reminder-21')).toBeVisible();
  await page.getByTestId('secrets-vault').click();
  await page.getByTestId('vault-passphrase').fill('correct horse');
  await page.getByTestId('vault-passphrase-again').fill('correct house');
  await page.getByTestId('vault-create').click();
  await expect(page.getByTestId('field-error-passphrase-again')).toBeVisible();
  await page.getByTestId('vault-passphrase-again').fill('correct horse');
  await page.getByTestId('vault-create').click();
  await expect(page.getByTestId('secrets-vault')).toBeChecked();
  await page.getByTestId('vault-lock').click();
  await page.getByTestId('vault-passphrase').fill('wrong');
  await page.getByTestId('vault-unlock').click();
  await expect(page.getByTestId('vault-error')).toContainText('not the passphrase');
});

test('a dialog gives the focus back to what opened it', async ({ page }) => {
  await page.getByTestId('row-action-xurrent').press('Enter');
  await expect(page.getByTestId('renew-open-page')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('row-action-xurrent')).toBeFocused();
  await page.getByTestId('row-open-robots').press('Enter');
  await page.getByTestId('detail-remove').press('Enter');
  await page.getByTestId('remove-cancel').press('Enter');
  await expect(page.getByTestId('detail-remove')).toBeFocused();
  await page.getByTestId('detail-remove').press('Enter');
  // A key does not wait for what it is meant for, as a click does.
  await expect(page.getByTestId('remove-confirm')).toBeEnabled();
  await page.getByTestId('remove-confirm').press('Enter');
  await expect(page.getByTestId('remove-dialog')).toHaveCount(0);
  await expect(page.locator('main')).toBeFocused();
});

test('a count is heard once', async ({ page }) => {
  await expect(page.getByRole('button', { name: 'Connections 4 need you', exact: true })).toBeVisible();
});

test('what was never checked is not listed as working', async ({ page }) => {
  await expect(page.getByTestId('group-unchecked').getByTestId('row-surveys')).toBeVisible();
  await page.getByTestId('row-action-surveys').click();
  await expect(page.getByTestId('group-working').getByTestId('row-surveys')).toBeVisible();
  await expect(page.getByTestId('group-unchecked')).toHaveCount(0);
});

test('the removal of several tokens names them', async ({ page }) => {
  await page.getByTestId('row-open-xurrent').click();
  await page.getByTestId('detail-remove').click();
  await expect(page.getByTestId('remove-dialog')).toContainText('Its 2 tokens are deleted from the keychain: Claude Desktop MCP and Codex MCP.');
});

test('a message goes with its screen', async ({ page }) => {
  await page.getByTestId('row-action-invoices').click();
  await expect(page.getByTestId('toast')).toBeVisible();
  await page.getByTestId('nav-activity').click();
  await expect(page.getByTestId('toast')).toHaveCount(0);
});

test('without a day to be reminded on, the end alone is told', async ({ page }) => {
  await page.getByTestId('nav-settings').click();
  for (const days of [30, 14, 7, 1]) {
    await page.getByTestId(`setting-reminder-${days}`).getByRole('button').click();
    await expect(page.getByTestId(`setting-reminder-${days}`)).toHaveCount(0);
  }
  await expect(page.getByTestId('view-settings')).toContainText('Only when it has ended');
});

test('an app that still runs with its old settings is quit and opened again, after a question', async ({ page }) => {
  await page.getByTestId('nav-apps').click();
  await expect(page.getByTestId('app-version-claude-desktop')).toHaveText('Version 1.46388.2');
  await expect(page.getByTestId('app-restart-claude-desktop')).toContainText('Closing its window is not enough.');
  await page.getByTestId('app-reopen-claude-desktop').click();
  await expect(page.getByTestId('reopen-dialog')).toContainText('A chat that is being answered is cut off.');
  await page.getByTestId('reopen-cancel').click();
  await expect(page.getByTestId('app-restart-claude-desktop')).toBeVisible();
  await page.getByTestId('app-reopen-claude-desktop').click();
  await page.getByTestId('reopen-confirm').click();
  await expect(page.getByTestId('announce')).toHaveText('Claude Desktop was opened again');
  await expect(page.getByTestId('app-restart-claude-desktop')).toHaveCount(0);
});

test('what runs in a terminal has words and no button', async ({ page }) => {
  await page.getByTestId('nav-apps').click();
  await expect(page.getByTestId('app-restart-claude-code')).toContainText('Type /exit in the terminal where Claude Code runs, then start it again.');
  await expect(page.getByTestId('app-reopen-claude-code')).toHaveCount(0);
});

test('a change says which app has to be opened again, and offers it', async ({ page }) => {
  await page.getByTestId('row-action-old-desk').click();
  await page.getByTestId('app-choice-claude-desktop').check();
  await page.getByTestId('apps-review').click();
  await page.getByTestId('apps-apply').click();
  await expect(page.getByTestId('toast')).toContainText('Claude Desktop has to be opened again to see it.');
  await page.getByTestId('toast-reopen').click();
  await page.getByTestId('reopen-confirm').click();
  await expect(page.getByTestId('announce')).toHaveText('Claude Desktop was opened again');
});
