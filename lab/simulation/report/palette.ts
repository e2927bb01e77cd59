/**
 * Colours that people with any colour vision tell apart, on white and on near-black; past their number,
 * lines are dashed as well. Source: Paul Tol, "Colour schemes" (2021), "bright", with the pale ones darkened
 * for white paper.
 */

interface Ink {
  readonly light: string;
  readonly dark: string;
}

const INKS: readonly Ink[] = [
  { light: '#0a63a8', dark: '#6cb2f0' },
  { light: '#d1495b', dark: '#ff8a98' },
  { light: '#1f7a3a', dark: '#6fce8a' },
  { light: '#9a7b00', dark: '#e2c54b' },
  { light: '#0b8fa6', dark: '#5fd3e6' },
  { light: '#8b2f7c', dark: '#dd8ad0' },
  { light: '#8a4a1c', dark: '#e0a376' },
];

const DASHES = [undefined, '7 3', '2 3'] as const;

/** The class of a series, by its place in the list; its colour is in the style sheet. */
export function seriesClass(index: number): string {
  return `s${index % INKS.length}`;
}

export function seriesDash(index: number): string | undefined {
  return DASHES[Math.floor(index / INKS.length) % DASHES.length];
}

/** `--ink` of each series, to be set for light and for dark paper. */
export function paletteRules(paper: 'light' | 'dark', scope: string): string {
  return INKS.map((ink, index) => `${scope} .s${index}{--ink:${ink[paper]}}`).join('');
}
