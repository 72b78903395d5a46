/** What others did: each kind of change with its sentence and both answers, and what they added, in light and dark. */
import { expect, expectNoSidewaysScroll, expectNoViolations, needsFixture, open, test } from './support';

const KINDS: Record<string, { says: RegExp; answers?: [RegExp, RegExp] }> = {
  removed: { says: /took this out of Codex/, answers: [/adds it again/, /Codex does not use it any more/] },
  changed: { says: /changed how Codex starts it\. 2 more things/, answers: [/undoes what was changed/, /Nobody knows/] },
  replaced: { says: /something else stands in its place.*npx -y @some-organisation/s, answers: [/puts yours there again/, /leaves that alone/] },
  renamed: { says: /another name in Codex: “the-same-connection.*”\. One more thing/, answers: [/its name again/, /the new name/] },
  disabled: { says: /switched it off in Codex/, answers: [/switches it on again/, /leaves it switched off/] },
  moved: { says: /Only for you, in \/home\/user\/projects\/website/, answers: [/moves it back/, /leaves it where it is now/] },
  duplicated: { says: /also there as “copy” and “copy-2”/, answers: [/takes the copy out/, /leaves both/] },
  file_gone: { says: /Codex’s file is gone/, answers: [/makes the file again/, /does not use it any more/] },
  file_broken: { says: /has a mistake in it/ },
  file_unreadable: { says: /cannot be opened/ },
  file_moved: { says: /now reads another file.*\/home\/user\/elsewhere/s, answers: [/takes it out of the old one/, /old file stays as it is/] },
};

test.beforeEach(() => needsFixture());

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });

    for (const [kind, { says, answers }] of Object.entries(KINDS)) {
      test(`${kind}: what happened, and what each answer does`, async ({ page }) => {
        await open(page, 'drift');
        await page.getByTestId(`row-open-${kind}`).click();
        const note = page.getByTestId('detail-drift-codex');
        await expect(note).toHaveAttribute('data-kind', kind);
        await expect(note).toContainText(says);
        await expect(page.getByTestId('detail-put-back-codex')).toHaveCount(answers ? 1 : 0);
        await expect(page.getByTestId('detail-keep-codex')).toHaveCount(answers ? 1 : 0);
        for (const answer of answers ?? []) await expect(note).toContainText(answer);
        const raw = page.getByTestId('detail-drift-raw-codex').locator('summary');
        if (await raw.count()) await raw.click();
        await expectNoViolations(page, kind);
        await expectNoSidewaysScroll(page, kind);
      });
    }

    test('what was added is told with its whole command', async ({ page }) => {
      await open(page, 'drift');
      await page.getByTestId('nav-apps').click();
      await expect(page.getByTestId('news-cursor-xyz')).toContainText(/added “xyz” to Cursor\. It runs:.*--cache-folder \/home\/user\/\.cache\/a-server-with-a-rather-long-name\s*$/s);
      await expect(page.getByTestId('news-claude-desktop-weather')).toContainText('changed “weather” in Claude Desktop. It now speaks to:');
      await expect(page.getByTestId('news-codex-one-more')).toBeHidden();
      await page.getByTestId('news-more').locator('summary').click();
      await expect(page.getByTestId('news-codex-one-more')).toBeVisible();
      await expect(page.getByTestId('app-slow-codex')).toContainText('On a network folder: looked at every 10 seconds.');
      await expectNoViolations(page, 'news');
      await expectNoSidewaysScroll(page, 'news');
      await page.getByTestId('news-seen').click();
      await expect(page.getByTestId('apps-news')).toHaveCount(0);
    });
  });
}

test('a change of every kind and all news fit into the smallest window', async ({ page }) => {
  await page.setViewportSize({ width: 410, height: 320 });
  for (const kind of Object.keys(KINDS)) {
    await open(page, 'drift');
    await page.getByTestId(`row-open-${kind}`).click();
    await expectNoSidewaysScroll(page, kind);
  }
  await open(page, 'drift');
  await page.getByTestId('nav-apps').click();
  await expectNoSidewaysScroll(page, 'news');
});

test('a copy is kept, and it is not asked about again', async ({ page }) => {
  await open(page, 'drift');
  await page.getByTestId('row-open-duplicated').click();
  await page.getByTestId('detail-keep-codex').click();
  await expect(page.getByTestId('detail-drift-codex')).toHaveCount(0);
  await expect(page.getByTestId('row-duplicated')).toHaveAttribute('data-group', 'working');
});
