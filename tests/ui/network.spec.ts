/** How services are reached: for all in the settings, for one in its details; errors where they belong. */
import { expect, needsFixture, open, test } from './support';

test.beforeEach(needsFixture);

test('a company’s proxy is set with its password, tried first, and the password is never shown again', async ({ page }) => {
  await open(page);
  await page.getByTestId('nav-settings').click();
  await expect(page.getByTestId('network-now')).toContainText('proxy.company.example:8080');
  await page.getByTestId('network-open').click();
  await page.getByTestId('network-this').check();
  await page.getByTestId('network-address').fill('http://proxy.example:3128');
  await page.getByTestId('network-user').fill('user');
  await page.getByTestId('network-password').fill('refuse-me');
  await page.getByTestId('network-test').click();
  await expect(page.getByTestId('network-verdict-retently')).toHaveAttribute('data-verdict', 'proxy_sign_in_refused');
  await page.getByTestId('network-password').fill('open-sesame');
  await page.getByTestId('network-test').click();
  await expect(page.getByTestId('network-tested')).toContainText('Retently can be reached');
  await page.getByTestId('network-save').click();
  await expect(page.getByTestId('network-dialog')).toBeHidden();
  await expect(page.getByTestId('network-now')).toContainText('http://proxy.example:3128');
  await page.getByTestId('network-open').click();
  await expect(page.getByTestId('network-password')).toHaveValue('');
  await expect(page.getByTestId('network-dialog')).toContainText('One is kept');
  expect(await page.content()).not.toContain('open-sesame');
  await page.getByTestId('network-forget').check();
  await expect(page.getByTestId('network-password')).toBeDisabled();
});

test('what does not fit is said at its field and nothing is saved', async ({ page }) => {
  await open(page);
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('network-open').click();
  await page.getByTestId('network-this').check();
  await page.getByTestId('network-address').fill('nonsense');
  await page.getByTestId('network-save').click();
  await expect(page.getByTestId('field-error-proxy')).toContainText('Give it as http://host:port');
  await expect(page.getByTestId('network-address')).toHaveAttribute('aria-invalid', 'true');
  await page.getByTestId('network-address').fill('http://proxy.example:3128');
  await page.getByTestId('network-certificates').fill('/nowhere/ca.pem');
  await page.getByTestId('network-save').click();
  await expect(page.getByTestId('field-error-certificates')).toContainText('There is no such certificate file: /nowhere/ca.pem.');
  await expect(page.getByTestId('field-error-proxy')).toHaveCount(0);
  await page.getByTestId('network-cancel').click();
  await expect(page.getByTestId('network-now')).toContainText('proxy.company.example:8080');
});

test('a connection goes its own way and back to that of all', async ({ page }) => {
  await open(page);
  await page.getByTestId('row-open-xurrent').click();
  await page.getByTestId('detail-network').click();
  await expect(page.getByTestId('network-as-all')).toBeChecked();
  await expect(page.getByTestId('network-certificates')).toHaveCount(0);
  await expect(page.getByTestId('network-dialog')).toContainText('Through your system’s proxy proxy.company.example:8080.');
  await page.getByTestId('network-own').check();
  await page.getByTestId('network-none').check();
  await expect(page.getByTestId('network-except')).toHaveCount(0);
  await page.getByTestId('network-save').click();
  await page.getByTestId('detail-network').click();
  await expect(page.getByTestId('network-none')).toBeChecked();
  await page.getByTestId('network-as-all').check();
  await page.getByTestId('network-save').click();
  await page.getByTestId('detail-network').click();
  await expect(page.getByTestId('network-as-all')).toBeChecked();
});
