/** Signing in with the browser: in the wizard, in the details, and how it looks. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, opened, test, type Page } from './support';

/** Through the wizard to its last look at the change, with the sign-in that the pack chooses. */
async function toReview(page: Page, name: string): Promise<void> {
  await open(page, 'empty');
  await page.getByTestId('connect-service').click();
  await page.getByTestId('provider-retently').click();
  await page.getByTestId('field-name').fill(name);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('how-sign-in')).toBeChecked();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard')).toHaveAttribute('data-step', 'review');
}

test('a service is connected by signing in, and no token is asked for', async ({ page }) => {
  needsFixture();
  await toReview(page, 'Feedback');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('sign-in-progress')).toBeVisible();
  await expect(page.getByTestId('check-result')).toHaveAttribute('data-verdict', 'working');
  expect(await opened(page)).toEqual([expect.stringContaining('link https://sign-in.example.com/authorize?')]);
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('detail-signed-in')).toContainText('You, with your browser');
});

test('while it waits, the page can be opened again, and the sign-in stopped', async ({ page }) => {
  needsFixture();
  await toReview(page, 'Later');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('sign-in-progress')).toHaveAttribute('data-step', 'browser');
  await page.getByTestId('sign-in-again').click();
  expect(await opened(page)).toHaveLength(2);
  await page.getByTestId('sign-in-stop').click();
  await expect(page.getByTestId('sign-in-progress')).toHaveCount(0);
  await expect(page.getByTestId('wizard-error')).toHaveCount(0);
  await expect(page.getByTestId('wizard-next')).toHaveText('Connect');
});

test('where no browser opens, the address can be copied', async ({ page }) => {
  needsFixture();
  await toReview(page, 'Nowhere');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('sign-in-go')).toContainText('No browser has opened');
  await expect(page.getByTestId('sign-in-copy')).toBeVisible();
});

test('a service that lets nobody sign in leads to the token', async ({ page }) => {
  needsFixture();
  await toReview(page, 'Tokens only');
  await page.getByTestId('wizard-next').click();
  await expect(page.getByTestId('wizard-error')).toHaveAttribute('data-code', 'sign_in_not_offered');
  await expect(page.getByTestId('how-token')).toBeChecked();
});

test('a sign-in that has ended is renewed from its row; one that works is signed out of in its details', async ({ page }) => {
  needsFixture();
  await open(page, 'signed');
  await expect(page.getByTestId('row-status-ended')).toContainText('You have to sign in again');
  await page.getByTestId('row-action-ended').click();
  await page.getByTestId('sign-in-do').click();
  await expect(page.getByTestId('row-ended')).toHaveAttribute('data-status', 'working');
  await page.getByTestId('row-open-good').click();
  await page.getByTestId('detail-sign-out-t-good').click();
  await page.getByTestId('sign-out-do').click();
  await expect(page.getByTestId('row-good')).toHaveAttribute('data-status', 'signed_out');
  await expect(page.getByTestId('row-action-good')).toHaveText('Sign in');
});

test('a client of one’s own is asked for where the service takes no other', async ({ page }) => {
  needsFixture();
  await open(page, 'signed');
  await page.getByTestId('row-action-more').click();
  await expect(page.getByTestId('client-id')).toHaveValue(/^pGbX0m1/);
  await expect(page.getByTestId('client-redirect')).toContainText('http://127.0.0.1:');
  await page.getByTestId('client-id').fill('');
  await page.getByTestId('sign-in-do').click();
  await expect(page.getByTestId('field-error-client_id')).toBeVisible();
});

test('signing in again says what happens for each way, and names no browser where none opens', async ({ page }) => {
  needsFixture();
  await open(page, 'signed');
  const about = page.getByTestId('sign-in-about');
  for (const [id, browser, said] of [
    ['good', true, 'Your browser opens the service’s own page'],
    ['payroll', true, 'Your browser opens your company’s own page'],
    ['nightly', false, 'The client signs in by itself'],
    ['robot', false, 'Patchbay shows the service what the platform says now'],
  ] as const) {
    await page.getByTestId(`row-open-${id}`).click();
    await page.getByTestId(`detail-sign-in-t-${id}`).click();
    await expect(about).toContainText(said);
    if (!browser) await expect(about).toContainText('No browser opens');
    await page.getByTestId('sign-in-do').click();
    await expect(page.getByTestId('sign-in-progress')).toBeVisible();
    await expect(page.getByTestId('sign-in-progress').getByRole('listitem')).toHaveCount(browser ? 4 : 3);
    await expect(page.getByTestId('sign-in-dialog')).toHaveCount(0);
  }
});

test('what is copied for support goes without a sign-in that only Patchbay can send, and says so', async ({ page }) => {
  needsFixture();
  await open(page, 'signed');
  for (const [id, said] of [['good', 'The token is not in it'], ['robot', 'without your sign-in']] as const) {
    await page.getByTestId(`row-open-${id}`).click();
    await page.getByTestId('detail-curl').click();
    await expect(page.getByTestId('toast')).toContainText(said);
  }
});

test('where the window cannot sign in again, it says the one command to run', async ({ page }) => {
  needsFixture();
  await open(page, 'signed');
  await page.getByTestId('row-action-handed').click();
  await expect(page.getByTestId('sign-in-command')).toHaveText('patchbay sign-in handed --assertion-stdin');
  await expect(page.getByTestId('sign-in-by-hand')).toContainText('Run this in a terminal');
  await expect(page.getByTestId('sign-in-dialog')).not.toContainText('rowser');
  await expect(page.getByTestId('sign-in-do')).toHaveCount(0);
  await expectNoViolations(page, 'by hand');
  await page.getByTestId('sign-in-cancel').click();
  await expect(page.getByTestId('sign-in-dialog')).toHaveCount(0);
});

test('sign-ins for addresses alone stand in the settings until they are signed out of', async ({ page }) => {
  needsFixture();
  await open(page, 'rich');
  await page.getByTestId('nav-settings').click();
  await expect(page.getByTestId('leave-open')).toBeVisible();
  await expect(page.getByTestId('sign-ins')).toHaveCount(0);
  await open(page, 'signed');
  await page.getByTestId('nav-settings').click();
  await expect(page.getByTestId('sign-in-at-0')).toContainText('https://mcp.example.com/mcp');
  await expect(page.getByTestId('sign-in-at-0')).toContainText('Since ');
  await expect(page.getByTestId('sign-in-at-needed-0')).toHaveCount(0);
  await expect(page.getByTestId('sign-in-at-1')).toContainText('patchbay sign-in --url https://a-service');
  await page.getByTestId('sign-out-at-0').click();
  await expectNoViolations(page, 'signing out of an address');
  await page.getByTestId('sign-out-at-stay').click();
  await expect(page.getByTestId('sign-in-at-1')).toBeVisible();
  for (const left of [1, 0]) {
    await page.getByTestId('sign-out-at-0').click();
    await page.getByTestId('sign-out-at-do').click();
    await expect(page.getByTestId('toast')).toContainText('You are signed out of https://');
    await expect(page.getByTestId('sign-in-at-0')).toHaveCount(left);
  }
  await expect(page.getByTestId('sign-ins')).toHaveCount(0);
});

for (const scheme of ['light', 'dark'] as const) {
  for (const zoom of [1, 2]) {
    test(`every part of it can be read: ${scheme}, ${zoom * 100} %`, async ({ page }) => {
      needsFixture();
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width: 1180 / zoom, height: 760 / zoom });
      const look = async (what: string): Promise<void> => {
        await expectNoViolations(page, what);
        await expectNoSidewaysScroll(page, what);
        if (process.env.PATCHBAY_PICTURES) await page.screenshot({ path: `${process.env.PATCHBAY_PICTURES}/${what}-${scheme}-${zoom}.png` });
      };
      await open(page, 'signed');
      await expect(page.getByTestId('row-ended')).toBeVisible();
      await look('list');
      await page.getByTestId('row-open-ended').click();
      await expect(page.getByTestId('detail-signed-in')).toBeVisible();
      await look('details');
      await page.getByTestId('detail-sign-in-t-ended').click();
      await expect(page.getByTestId('sign-in-dialog')).toBeVisible();
      await look('dialog');
      await page.getByTestId('sign-in-cancel').click();
      await page.getByTestId('nav-settings').click();
      await expect(page.getByTestId('sign-ins')).toBeVisible();
      await look('settings');
      await toReview(page, 'Later, with a name that is a good deal longer than names are');
      await page.getByTestId('wizard-back').click();
      await page.getByTestId('wizard-back').click();
      await look('choice');
      await page.getByTestId('wizard-next').click();
      await page.getByTestId('wizard-next').click();
      await page.getByTestId('wizard-next').click();
      await expect(page.getByTestId('sign-in-go')).toBeVisible();
      await look('waiting');
    });
  }
}
