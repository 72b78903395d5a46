import { defineConfig } from '@playwright/test';

/** With PATCHBAY_TEST_BACKEND=http://127.0.0.1:PORT the same window runs on the real core instead of the fixture. */
export default defineConfig({
  testDir: '../tests/ui',
  outputDir: './test-results',
  timeout: 60_000,
  // A loaded machine draws late; a step that never comes fails all the same.
  expect: { timeout: 15_000 },
  fullyParallel: !process.env.PATCHBAY_TEST_BACKEND,
  workers: process.env.PATCHBAY_TEST_BACKEND ? 1 : 2,
  reporter: [['list']],
  retries: process.env.CI ? 1 : 0,
  forbidOnly: !!process.env.CI,
  use: {
    baseURL: 'http://127.0.0.1:4174',
    viewport: { width: 1180, height: 760 },
    locale: 'en-GB',
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    screenshot: 'only-on-failure',
  },
  webServer: {
    command: 'npm run preview:test',
    url: 'http://127.0.0.1:4174',
    reuseExistingServer: true,
  },
});
