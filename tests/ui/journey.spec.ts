/**
 * The main job on the real core: needs PATCHBAY_TEST_BACKEND, the core over loopback with a home folder of its own, and
 * PATCHBAY_TEST_PRACTICE, the practice service's origin.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, open, REAL, test, type Page } from './support';

const PRACTICE = process.env.PATCHBAY_TEST_PRACTICE ?? 'http://127.0.0.1:47115';

const APPS = ['claude-desktop', 'claude-code', 'codex'];

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

/** Through the wizard up to the step where tokens are made. */
async function begin(page: Page, name: string): Promise<void> {
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-practice').click();
  await page.getByTestId('field-name').fill(name);
  await page.locator('details').filter({ has: page.getByTestId('field-url') }).locator('summary').click();
  await page.getByTestId('field-url').fill(`${PRACTICE}/mcp`);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'make');
}

async function chooseApp(page: Page, client: string, chosen: boolean): Promise<void> {
  const box = page.getByTestId(`app-choice-${client}`).or(page.getByTestId(`app-create-${client}`));
  if (!(await box.isVisible())) await page.getByTestId('apps-not-here').locator('summary').click();
  await box.setChecked(chosen);
}

/** Through the check to the details of the new connection; answers its id. */
async function finish(page: Page): Promise<string> {
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working', { timeout: 30_000 });
  await page.getByTestId('wizard-next').click();
  return (await page.getByTestId('detail').getAttribute('data-connection')) ?? '';
}

test.beforeEach(({}, info) => {
  test.skip(REAL === null, 'needs the real core');
  info.setTimeout(120_000);
});

test('connect, be refused, renew, undo', async ({ page }) => {
  const first = await made(page, 'Patchbay MCP');
  await open(page);
  await begin(page, 'Practice journey');
  await page.getByTestId('per-app-one').check();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('token-input').fill(` "Bearer ${first.token}" `);
  await expect(page.getByTestId('token-cleaned')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  for (const client of APPS) await chooseApp(page, client, true);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('plan-file-codex')).toBeVisible();
  expect(await page.content()).not.toContain(first.token);
  const id = await finish(page);

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
  await page.getByTestId('renew-done').click({ timeout: 30_000 });
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-group', 'working');

  await page.getByTestId('nav-activity').click();
  await page.locator('[data-kind="connected"] [data-testid^="activity-undo-"]').first().click();
  await expect(page.locator('[data-kind="connected"]').first()).toContainText('Undone');
  expect(await page.content()).not.toContain(second.token);
});

test('each app has a token of its own; an entry taken out by hand is put back; removal leaves nothing', async ({ page }) => {
  await open(page);
  await begin(page, 'Practice each');
  await page.getByTestId('per-app-each').check();
  await page.getByTestId('wizard-next').click();
  for (const client of APPS) await chooseApp(page, client, client !== 'codex');
  await page.getByTestId('wizard-next').click();
  for (const app of ['Claude Desktop', 'Claude Code']) {
    await expect(page.getByRole('heading', { level: 2 })).toContainText(app);
    await page.getByTestId('token-input').fill((await made(page, `${app} MCP`)).token);
    await page.getByTestId('token-expires-other').click();
    await page.getByTestId('token-expires').fill(new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10));
    await page.getByTestId('wizard-next').click();
  }
  const id = await finish(page);
  await expect(page.locator('[data-testid^="detail-token-"]')).toHaveCount(2);
  await expect(page.getByTestId('detail')).toContainText('Claude Code MCP');

  await page.getByTestId('nav-apps').click();
  const path = (await page.getByTestId('app-path-claude-desktop').textContent()) ?? '';
  const before = await readFile(path, 'utf8');
  const settings = JSON.parse(before) as { mcpServers: Record<string, unknown> };
  delete settings.mcpServers[id];
  await writeFile(path, JSON.stringify(settings));
  await page.getByTestId('nav-connections').click();
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-status', 'changed_outside');
  await page.getByTestId(`row-action-${id}`).click();
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-group', 'working');
  const ours = await readFile(path, 'utf8');
  expect(ours).toContain(id);

  const kept = ours.replace('"bridge"', '"bridge", "--extra"');
  await writeFile(path, kept);
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-status', 'changed_outside');
  await page.getByTestId(`row-open-${id}`).click();
  await page.getByTestId(`detail-keep-claude-desktop`).click();
  await expect(page.getByTestId(`row-${id}`)).toHaveAttribute('data-group', 'working');
  expect(await readFile(path, 'utf8')).toBe(kept);
  await page.getByTestId(`detail-close`).click();

  await page.getByTestId(`row-open-${id}`).click();
  await page.getByTestId('detail-remove').click();
  await page.getByTestId('remove-confirm').click();
  await expect(page.getByTestId(`row-${id}`)).toHaveCount(0);
  expect(await readFile(path, 'utf8')).not.toContain(id);
});
