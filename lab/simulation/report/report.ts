/**
 * The report of a comparison: one HTML file that holds all it needs (style, plots, data, a small script),
 * asks nothing of the network, and says everything with scripts off too. All that comes from input is
 * escaped, and a content security policy forbids loading anything.
 */

import type { Comparison } from '../compare/comparison.ts';
import { element, jsonForScript, type Markup, render } from './html.ts';
import {
  curveFigures,
  distributionFigures,
  forestFigures,
  tieBreakFigure,
} from './plots-section.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { decisionStories, finding, leftOut, metricsTable, provenance } from './text-sections.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The whole document; the same comparison gives the same bytes. */
export function reportHtml(comparison: Comparison): string {
  const document = element(
    'html',
    { lang: 'en', xmlns: 'http://www.w3.org/1999/xhtml' },
    element(
      'head',
      {},
      element('meta', { charset: 'utf-8' }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
      element('title', {}, `${comparison.title}: policies compared`),
      raw('style', STYLE),
    ),
    element('body', {}, body(comparison)),
  );
  return `<!DOCTYPE html>\n${render(document)}\n`;
}

function body(comparison: Comparison): readonly Markup[] {
  const { policies, seeds } = comparison;
  return [
    element(
      'main',
      {},
      element(
        'div',
        { class: 'top' },
        element(
          'p',
          { class: 'kicker' },
          `${policies.length} scheduling policies, ${seeds.length} seeds, the same arrivals`,
        ),
        element('button', { id: 'theme', type: 'button' }, 'light / dark'),
      ),
      element('h1', {}, comparison.title),
      comparison.description === ''
        ? undefined
        : element('p', { class: 'lead' }, comparison.description),
      finding(comparison),
      curveFigures(comparison),
      forestFigures(comparison),
      tieBreakFigure(comparison),
      distributionFigures(comparison),
      decisionStories(comparison),
      element('h2', {}, 'All numbers'),
      metricsTable(comparison),
      element(
        'p',
        { class: 'soft' },
        'Differences are paired: seed by seed, on the same arrivals. p is Wilcoxon’s signed-rank test, two-sided; with many policies and metrics a few small ones come by chance (the data in this file has them corrected, too, by Holm’s method).',
      ),
      provenance(comparison),
      leftOut(comparison),
      element(
        'footer',
        {},
        `Made by skiff sim compare, version ${comparison.provenance.skiffVersion}. The data behind it is in this file, as JSON in the element “comparison”.`,
      ),
    ),
    element('div', { id: 'readout' }),
    raw('script', jsonForScript(comparison), { type: 'application/json', id: 'comparison' }),
    raw('script', SCRIPT),
  ];
}

/** Text of ours that is not escaped: style, script, and JSON that was made safe. */
function raw(
  name: string,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): Markup {
  const { markup } = element(name, attributes);
  return { markup: markup.replace('></', () => `>${text}</`) };
}
