/** The report: well-formed, whole in itself, safe against its input, and true to the data it holds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Comparison } from '../../../../lab/simulation/compare/comparison.ts';
import { formatMeanSd, formatSigned } from '../../../../lab/simulation/compare/format.ts';
import { reportHtml } from '../../../../lab/simulation/report/report.ts';
import { sampleComparison } from '../../../support/sample-comparison.ts';

describe('reportHtml', () => {
  const comparison = sampleComparison();
  const html = reportHtml(comparison);

  it('is well-formed', () => {
    assert.deepEqual(unclosed(html), []);
  });

  it('refers to nothing outside of itself', () => {
    const text = html.replace(/xmlns="[^"]*"/g, '').replace("'http://www.w3.org/2000/svg'", '');
    assert.doesNotMatch(
      text,
      /https?:|\/\/[a-z]|@import|url\((?!#)|<(?:link|img|iframe|object)\b| src=| href=/i,
    );
    assert.match(html, /Content-Security-Policy" content="default-src &#39;none&#39;/);
  });

  it('holds the comparison as JSON', () => {
    assert.deepEqual(embedded(html), JSON.parse(JSON.stringify(comparison)));
  });

  it('shows in its table what the JSON says, for every policy and metric', () => {
    const data = embedded(html);
    const rows = [...html.matchAll(/<tr data-policy="([^"]*)" data-metric="([^"]*)">(.*?)<\/tr>/g)];
    assert.equal(rows.length, data.policies.length * data.metrics.length);
    for (const [, policy, name, content = ''] of rows) {
      const metric = data.metrics.find((one) => one.name === name);
      const outcome = data.policies.find((one) => one.name === policy)?.outcomes[name ?? ''];
      assert.ok(metric !== undefined && outcome !== undefined);
      const cells = [...content.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell = '']) =>
        cell.replace(/<[^>]*>/g, ''),
      );
      assert.equal(cells[0], formatMeanSd(outcome, metric));
      const { difference } = outcome;
      if (difference === undefined) assert.equal(cells[1], 'baseline');
      else assert.equal(cells[1], formatSigned(difference.mean, metric));
    }
  });

  it('has a line, a band and a name for each policy of a curve, and the bound', () => {
    const [plot = ''] =
      html.match(/<svg [^>]*aria-label="GPU allocation while pods arrive".*?<\/svg>/) ?? [];
    assert.equal([...plot.matchAll(/<polyline /g)].length, comparison.policies.length + 1);
    assert.equal([...plot.matchAll(/<polygon /g)].length, comparison.policies.length);
    for (const { name } of comparison.policies) assert.ok(plot.includes(`>${name}</text>`));
    assert.doesNotMatch(html, /NaN|Infinity|undefined/);
  });

  it('prints hashes, seeds, version and the command', () => {
    const { provenance } = comparison;
    const { traceHash, configHash, resultHash, skiffVersion, command } = provenance;
    for (const text of [traceHash, configHash, resultHash, skiffVersion, command]) {
      assert.ok(html.includes(text));
    }
  });

  it('escapes what comes from input', () => {
    const nasty = '</script><script>alert(1)</script>"\'&\u0000\u2028';
    const changed: Comparison = {
      ...comparison,
      title: nasty,
      description: nasty,
      baseline: nasty,
      notes: [nasty],
      provenance: { ...comparison.provenance, command: nasty, facts: [[nasty, nasty]] },
      policies: comparison.policies.map((policy) =>
        policy.name === comparison.baseline ? { ...policy, name: nasty } : policy,
      ),
    };
    const text = reportHtml(changed);
    assert.deepEqual(unclosed(text), []);
    assert.ok(!text.includes('<script>alert'));
    assert.equal(embedded(text).title, nasty);
  });

  it('says what it can of one seed and of one policy', () => {
    const first = comparison.policies[0];
    assert.ok(first !== undefined);
    const one = {
      ...comparison,
      policies: [first],
      seeds: [42],
      baseline: first.name,
      bounds: [],
      decisionDiffs: [],
      tieBreaks: [],
    };
    const text = reportHtml(one);
    assert.deepEqual(unclosed(text), []);
    assert.doesNotMatch(text.replace(/<script.*?<\/script>/gs, ''), /NaN|Infinity|undefined/);
  });
});

function embedded(html: string): Comparison {
  const [, json = ''] =
    html.match(/<script type="application\/json" id="comparison">(.*?)<\/script>/s) ?? [];
  return JSON.parse(json) as Comparison;
}

/** What is opened and not closed, or closed and not opened, or an attribute or entity that is not one. */
function unclosed(html: string): readonly string[] {
  const wrong: string[] = [];
  const open: string[] = [];
  const text = html
    .replace(/^<!DOCTYPE html>\n/, '')
    .replace(/(<(script|style)[^>]*>).*?(<\/\2>)/gs, '$1$3');
  const rest = text.replace(
    /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(\/?)>/g,
    (_, end, name, attributes, isVoid) => {
      const names = [...attributes.matchAll(/ ([a-zA-Z0-9:-]+)="/g)].map(([, key]) => key);
      if (new Set(names).size !== names.length) wrong.push(`<${name}> has an attribute twice`);
      if (end === '/') {
        const last = open.pop();
        if (last !== name) wrong.push(`</${name}> closes <${last}>`);
      } else if (isVoid !== '/') open.push(name);
      return '';
    },
  );
  wrong.push(...open.map((name) => `<${name}> is not closed`));
  if (/[<>]/.test(rest)) wrong.push(`not a tag: ${rest.slice(rest.search(/[<>]/)).slice(0, 80)}`);
  const entity = text.match(/&(?!(?:amp|lt|gt|quot|#39);)/);
  if (entity !== null) wrong.push(`not an entity: ${text.slice(entity.index).slice(0, 20)}`);
  return wrong;
}
