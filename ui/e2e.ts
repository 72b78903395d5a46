/** What the specs in `tests/ui` need, re-exported here because their folder has no packages of its own. */
export { default as AxeBuilder } from '@axe-core/playwright';
export { expect, test } from '@playwright/test';
export type { Locator, Page } from '@playwright/test';
