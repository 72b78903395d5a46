/** What a check found, in words. The program `patchbay` says the same sentence. */
import type { Cause } from '../bindings/Cause';
import type { Report } from '../bindings/Report';
import { words } from '../i18n';

/** Why it failed, or what there is to know of what went well; none where the verdict says it all. */
export function cause({ layers }: Report): Cause | undefined {
  const about = (mark: string): Cause | undefined => layers.find((layer) => layer.mark === mark && layer.cause)?.cause;
  return about('failed') ?? about('warned');
}

/** The cause and one next step. */
export function outcome(report: Report): string {
  const because = cause(report);
  const { say, then } = report.explained ?? (because ? words.cause[because] : { say: words.verdict[report.verdict].say, then: '' });
  return [say, then].filter(Boolean).join(' ');
}
