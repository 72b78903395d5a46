/** Every screen in light and dark: drawn without an error, reachable, and without accessibility violations. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, test, token, type Page } from './support';

const SCREENS: Record<string, { fixture?: string; go: (page: Page) => Promise<void> }> = {
  list: { go: (page) => expect(page.getByTestId('group-needs_you')).toBeVisible() },
  'thirty connections': { fixture: 'many', go: (page) => expect(page.getByTestId('row-service-29')).toBeAttached() },
  'first start': { fixture: 'empty', go: (page) => expect(page.getByTestId('first-start')).toBeVisible() },
  'offline, with results that are old': {
    fixture: 'offline',
    go: async (page) => {
      await expect(page.getByTestId('offline')).toBeVisible();
      await page.getByTestId('row-open-practice').click();
    },
  },
  loading: { fixture: 'loading', go: (page) => expect(page.getByTestId('loading')).toBeVisible() },
  failing: { fixture: 'failing', go: (page) => expect(page.getByTestId('load-error')).toBeVisible() },
  details: { go: (page) => page.getByTestId('row-open-xurrent').click() },
  'details with a change from outside': { go: (page) => page.getByTestId('row-open-invoices').click() },
  'details of a refused token': { go: (page) => page.getByTestId('row-open-retently').click() },
  apps: { go: (page) => page.getByTestId('nav-apps').click() },
  'a broken file': { fixture: 'broken', go: (page) => page.getByTestId('nav-apps').click() },
  'quit and reopen': {
    go: async (page) => {
      await page.getByTestId('nav-apps').click();
      await page.getByTestId('app-reopen-claude-desktop').click();
    },
  },
  activity: {
    go: async (page) => {
      await page.getByTestId('nav-activity').click();
      await page.getByTestId('activity-detail-c-0').locator('summary').first().click();
      await page.getByTestId('plan-file-codex').locator('summary').click();
    },
  },
  'taking tokens out of the copies': {
    go: async (page) => {
      await page.getByTestId('nav-activity').click();
      await page.getByTestId('activity-purge-c-3').click();
    },
  },
  'sign in or use a token': {
    fixture: 'empty',
    go: async (page) => {
      await page.getByTestId('connect-service').click();
      await page.getByTestId('provider-retently').click();
      await page.getByTestId('wizard-next').click();
      await expect(page.getByTestId('how-sign-in')).toBeVisible();
    },
  },
  'signing out': {
    fixture: 'signed',
    go: async (page) => {
      await page.getByTestId('row-open-good').click();
      await page.getByTestId('detail-sign-out-t-good').click();
    },
  },
  'nothing that the app would start': {
    go: async (page) => {
      await page.getByTestId('nav-apps').click();
      await page.getByTestId('as-app-open-claude-desktop-filesystem').click();
      await page.getByTestId('as-app-dialog').locator('summary').click();
    },
  },
  'network for all': {
    go: async (page) => {
      await page.getByTestId('nav-settings').click();
      await page.getByTestId('network-open').click();
      await page.getByTestId('network-this').check();
      await page.getByTestId('network-address').fill('nonsense');
      await page.getByTestId('network-save').click();
      await expect(page.getByTestId('field-error-proxy')).toBeVisible();
    },
  },
  'network of one connection': {
    go: async (page) => {
      await page.getByTestId('row-open-xurrent').click();
      await page.getByTestId('detail-network').click();
      await page.getByTestId('network-own').check();
    },
  },
  'leaving, with tokens in plain text': {
    go: async (page) => {
      await page.getByTestId('nav-settings').click();
      await page.getByTestId('leave-open').click();
      await page.getByTestId('leave-keep').check();
      await page.getByTestId('leave-plan').locator('summary').first().click();
    },
  },
  settings: { go: (page) => page.getByTestId('nav-settings').click() },
  'a locked vault': { fixture: 'vault', go: (page) => page.getByTestId('vault-banner-unlock').click() },
  'no keychain': { fixture: 'no-keychain', go: (page) => page.getByTestId('vault-banner-unlock').click() },
  renewal: { go: (page) => page.getByTestId('row-action-retently').click() },
  'revoke the old token': { go: (page) => page.getByTestId('row-action-github').click() },
  removal: {
    go: async (page) => {
      await page.getByTestId('row-open-invoices').click();
      await page.getByTestId('detail-remove').click();
    },
  },
  edit: {
    go: async (page) => {
      await page.getByTestId('row-open-xurrent').click();
      await page.getByTestId('detail-edit').click();
    },
  },
  'apps of a connection': {
    go: async (page) => {
      await page.getByTestId('row-action-old-desk').click();
      await page.getByTestId('app-choice-codex').check();
    },
  },
};

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const [name, { fixture, go }] of Object.entries(SCREENS)) {
      test(name, async ({ page }) => {
        needsFixture();
        const wrong: string[] = [];
        page.on('pageerror', (error) => wrong.push(error.message));
        page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
        await open(page, fixture);
        await go(page);
        await page.waitForTimeout(200);
        await expectNoViolations(page, name);
        expect(wrong).toEqual([]);
      });
    }

    test('every step of the wizard', async ({ page }) => {
      needsFixture();
      await open(page);
      await page.getByTestId('connect-service').click();
      await expectNoViolations(page, 'service');
      await page.getByTestId('provider-retently').click();
      for (const step of ['details', 'make', 'paste', 'apps', 'review', 'check']) {
        await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', step);
        if (step === 'make') await page.getByTestId('how-token').check();
        if (step === 'paste') {
          await token(page);
          await page.getByTestId('token-expires-suggested').click();
        }
        if (step === 'check') await expect(page.getByTestId('check-result')).toBeVisible();
        await expectNoViolations(page, step);
        await page.getByTestId('wizard-next').click();
      }
      await expect(page.getByTestId('detail-name')).toHaveText('Retently 2');
    });
  });
}

for (const [what, width, height] of [['a narrow window', 720, 600], ['the smallest window', 480, 400], ['200 % of a small window', 410, 320]] as const) {
  test(`${what}: nothing is cut off`, async ({ page }) => {
    needsFixture();
    await page.setViewportSize({ width, height });
    for (const [name, { fixture, go }] of Object.entries(SCREENS)) {
      await open(page, fixture);
      await go(page);
      await expectNoSidewaysScroll(page, name);
    }
  });
}

test('high contrast and reduced motion draw the same screens', async ({ page }) => {
  needsFixture();
  await page.emulateMedia({ forcedColors: 'active', contrast: 'more', reducedMotion: 'reduce' });
  await open(page);
  await page.getByTestId('row-open-xurrent').click();
  await expectNoViolations(page, 'high contrast');
});
