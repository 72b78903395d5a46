/** Line and column out of the core's sentence (`… at line 3, column 14`), where it names them. */
export function position(message: string): { line: number; column: number } | null {
  const found = /line (\d+)\D+column (\d+)/i.exec(message) ?? /:(\d+):(\d+)/.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}
