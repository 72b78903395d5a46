/** How an app's tile looks where no sign is drawn for it: letters, and a colour on which white letters are legible. */
export interface Tile {
  letters: string;
  colour: string;
}

const TILES: Record<string, Tile> = {
  cursor: { letters: 'Cu', colour: '#44454b' },
  vscode: { letters: 'VS', colour: '#1d6299' },
  'vscode-insiders': { letters: 'VI', colour: '#1b7058' },
  windsurf: { letters: 'Ws', colour: '#0f6a74' },
  'gemini-cli': { letters: 'Ge', colour: '#4458b0' },
  'copilot-cli': { letters: 'Co', colour: '#5c4a86' },
  zed: { letters: 'Ze', colour: '#2f52b8' },
  'lm-studio': { letters: 'LM', colour: '#5a44b5' },
  cline: { letters: 'Cl', colour: '#7a4a68' },
  'roo-code': { letters: 'Ro', colour: '#8a4f22' },
  kiro: { letters: 'Ki', colour: '#6d3fa3' },
  'amazon-q': { letters: 'AQ', colour: '#7d5a12' },
  goose: { letters: 'Go', colour: '#33613c' },
  continue: { letters: 'Cn', colour: '#873f5b' },
};

export function tile(id: string, name: string): Tile {
  return TILES[id] ?? { letters: name.slice(0, 2), colour: '#5c5b57' };
}
