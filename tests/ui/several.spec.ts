/** A service that wants two secrets: in the wizard, in the details, in the renewal, and how it looks. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, opened, test, type Page } from './support';

const LONG = 'The observability platform of the whole Northern European region and its suppliers';

/** Through the wizard to the step at which both are pasted. */
async function toPaste(page: Page, name = 'Datadog'): Promise<void> {
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-datadog').click();
  await page.getByTestId('field-name').fill(name);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('per-app-each')).toHaveCount(0);
  await expect(page.getByTestId('wizard').getByRole('heading', { level: 3 })).toHaveText(['API key', 'Application key']);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'paste');
}

/** From the pasted secrets to the end of the wizard. */
async function finish(page: Page): Promise<void> {
  for (const step of ['apps', 'review', 'check']) {
    await page.getByTestId('wizard-next').click();
    await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', step);
  }
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveCount(0);
}

async function connected(page: Page, name?: string): Promise<void> {
  await toPaste(page, name);
  await page.getByTestId('token-input').fill('0123456789abcdef0123456789abcdef');
  await page.getByTestId('token-input-2').fill('0123456789abcdef0123456789abcdef01234567');
  await finish(page);
}

test('both are asked for, each by its own name, and neither is forgotten', async ({ page }) => {
  needsFixture();
  await toPaste(page);
  await expect(page.getByLabel('API key', { exact: true })).toBeFocused();
  await page.getByTestId('token-input').fill('  "0123456789abcdef0123456789abcdef" ');
  await expect(page.getByTestId('token-cleaned')).toBeVisible();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'paste');
  await expect(page.getByTestId('token-error')).toBeVisible();
  await page.getByLabel('Application key', { exact: true }).fill('0123456789abcdef0123456789abcdef01234567');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'apps');
});

test('each key has a page of its own', async ({ page }) => {
  needsFixture();
  await toPaste(page);
  await page.getByTestId('wizard-back').click();
  await page.getByTestId('wizard-open-page').click();
  await page.getByTestId('wizard-open-page-2').click();
  expect(await opened(page)).toEqual([expect.stringContaining('/api-keys'), expect.stringContaining('/application-keys')]);
});

test('one of the two is renewed, and the other stays', async ({ page }) => {
  needsFixture();
  await connected(page);
  const tokens = page.locator('[data-testid^="detail-token-t-"]');
  await expect(tokens.locator('strong')).toHaveText(['API key', 'Application key']);
  const before = await tokens.first().textContent();
  await page.getByTestId('detail-renew-t-datadog-2').click();
  await expect(page.getByTestId('renew-token-2')).toBeFocused();
  await expect(page.getByTestId('renew-submit')).toBeDisabled();
  await expect(page.getByText('When does it end?')).toBeVisible();
  await page.getByTestId('renew-token-2').fill('fedcba9876543210fedcba9876543210fedcba98');
  await expect(page.getByText('When does “Application key” end?')).toBeVisible();
  await page.getByTestId('renew-submit').click();
  await expect(page.getByTestId('renew-revoked')).toBeVisible();
  await page.getByTestId('renew-later').click();
  expect(await tokens.first().textContent()).toBe(before);
  await expect(page.getByTestId('detail-revoke-old-t-datadog-2')).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`two secrets look right in ${scheme}, also large and with long names`, async ({ page }) => {
    needsFixture();
    await page.emulateMedia({ colorScheme: scheme });
    const look = async (what: string) => {
      await expectNoViolations(page, what);
      for (const [width, height] of [[1180, 760], [590, 380]] as const) {
        await page.setViewportSize({ width, height });
        await expectNoSidewaysScroll(page, `${what}, ${width} wide`);
        if (process.env.PATCHBAY_SHOTS) await page.screenshot({ path: `${process.env.PATCHBAY_SHOTS}/${scheme}-${what}-${width}.png`, fullPage: true });
      }
      await page.setViewportSize({ width: 1180, height: 760 });
    };
    await toPaste(page, LONG);
    await look('paste');
    await page.getByTestId('wizard-back').click();
    await look('make');
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('token-input').fill('0123456789abcdef0123456789abcdef');
    await page.getByTestId('token-input-2').fill('short');
    await page.getByTestId('wizard-next').click();
    await look('doubt');
    await page.getByTestId('token-input-2').fill('0123456789abcdef0123456789abcdef01234567');
    await finish(page);
    await look('details');
    await page.locator('[data-testid^="detail-renew-t-"]').first().click();
    await look('renew');
  });
}
