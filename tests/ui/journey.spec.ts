/**
 * The main job on the real core: needs PATCHBAY_TEST_BACKEND, the core over loopback with a home folder of its own, and
 * PATCHBAY_TEST_PRACTICE, the practice service's origin.
 */
import { expect, open, REAL, test, type Page } from './support';

const PRACTICE = process.env.PATCHBAY_TEST_PRACTICE ?? 'http://127.0.0.1:47115';

interface Made {
  id: string;
  token: string;
}

async function made(page: Page, name: string, scopes: string[] = ['profile:read', 'notes:read']): Promise<Made> {
  const response = await page.request.post(`${PRACTICE}/api/tokens`, { data: { name, scopes, lifetime_seconds: 86_400 } });
  expect(response.ok(), await response.text()).toBe(true);
  return (await response.json()) as Made;
}

const revoke = (page: Page, id: string) => page.request.post(`${PRACTICE}/api/tokens/${id}/revoke`);

test('connect, work, be refused, renew, undo', async ({ page }) => {
  test.skip(REAL === null, 'needs the real core');
  test.setTimeout(120_000);
  const first = await made(page, 'Patchbay MCP');
  await open(page);
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-practice').click();
  await page.getByTestId('field-url').evaluate((field, url) => {
    (field as HTMLInputElement).value = url;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, `${PRACTICE}/mcp`);
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('per-app-one').check();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('token-input').fill(` "Bearer ${first.token}" `);
  await expect(page.getByTestId('token-cleaned')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  for (const client of ['claude-desktop', 'claude-code', 'codex']) {
    await page.getByTestId(`app-choice-${client}`).or(page.getByTestId(`app-create-${client}`)).check();
  }
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('plan-file-codex')).toBeVisible();
  expect(await page.content()).not.toContain(first.token);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working', { timeout: 30_000 });
  await page.getByTestId('wizard-next').click();

  const id = await page.getByTestId('detail').getAttribute('data-connection');
  await revoke(page, first.id);
  await page.getByTestId('detail-check').click();
  await expect(page.getByTestId('detail-verdict')).toHaveAttribute('data-verdict', 'token_refused', { timeout: 30_000 });
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-status', 'token_refused');

  const second = await made(page, 'Patchbay MCP 2');
  await page.getByTestId(`row-action-${id}`).click();
  await page.getByTestId('renew-token').fill(first.token);
  await page.getByTestId('renew-submit').click();
  await expect(page.getByTestId('renew-error')).toBeVisible({ timeout: 30_000 });
  await page.getByTestId('renew-token').fill(second.token);
  await page.getByTestId('renew-submit').click();
  await page.getByTestId('renew-revoked').click({ timeout: 30_000 });
  await page.getByTestId('renew-done').click({ timeout: 30_000 });
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-group', 'working');

  await page.getByTestId('nav-activity').click();
  const undo = page.locator('[data-kind="connected"] [data-testid^="activity-undo-"]').first();
  await undo.click();
  await expect(page.locator('[data-kind="connected"]').first()).toContainText('Undone');
  expect(await page.content()).not.toContain(second.token);
});
