/** Prints what the scheduler says of a pod, for people. Texts end with a line break. */

import type { NodeVerdict, PodExplanation, Remedy } from '../../proto/scheduler/explanation.ts';
import { alignColumns } from './table.ts';

/** `skiff why POD`. */
export function explainPod(explanation: PodExplanation): string {
  const { nodes, plugins, leftOut, nodeCount, remedies, notes } = explanation;
  const scored = nodes.filter(({ scores }) => scores !== undefined);
  const others = nodes.filter(({ scores }) => scores === undefined);
  const lines = [...headOf(explanation)];
  if (scored.length > 0) {
    const head = ['NODE', 'TOTAL', ...plugins.map(({ name, weight }) => `${name} x${weight}`)];
    const rows = scored.map(({ name, total = 0, scores = [] }) => [
      name,
      numberText(total),
      ...scores.map(numberText),
    ]);
    lines.push('', ...alignColumns([head, ...rows]));
  }
  if (others.length > 0) {
    const rows = others.map((node) => [node.name, objectionsText(node)]);
    lines.push('', ...alignColumns([['NODE', 'SAYS'], ...rows]));
  }
  if (leftOut > 0)
    lines.push(`(${leftOut} of ${nodeCount} nodes are left out; --limit shows more)`);
  if (remedies.length > 0) lines.push('', ...remedyLines(remedies));
  else if (explanation.state === 'pending' && nodeCount > 0) {
    lines.push('', 'No small change is known that would let it run.');
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => `Note: ${note}.`));
  return `${lines.join('\n')}\n`;
}

/** `skiff why-not POD NODE`. */
export function explainNode(explanation: PodExplanation, name: string): string {
  const { namespace, name: pod, plugins } = explanation;
  const who = `Pod ${namespace}/${pod}`;
  const node = explanation.nodes.find((each) => each.name === name);
  const chosen = explanation.nodes.find(({ verdict }) => verdict === 'chosen');
  if (node === undefined) return `${who}: nothing is known of node ${name}.\n`;
  if (node.verdict === 'chosen') return `${who} is on ${name}.\n`;
  const place = chosen === undefined ? 'has no node' : `is on ${chosen.name}`;
  if (node.scores === undefined || chosen?.scores === undefined) {
    const says =
      node.objections.length > 0
        ? `${name} turns it down: ${objectionsText(node)}`
        : `${name} would take it; it was not scored then`;
    return `${who} ${place}. ${says}.\n`;
  }
  const [total = 0, best = 0] = [node.total, chosen.total];
  const behind =
    best === total
      ? `as many as ${chosen.name}: ${tieText(explanation)}`
      : `${numberText(best - total)} less than ${chosen.name}`;
  const rows = plugins.map(({ name: plugin, weight }, at) => {
    const [own = 0, theirs = 0] = [node.scores?.[at], chosen.scores?.[at]];
    const difference = (own - theirs) * weight;
    const sign = difference > 0 ? '+' : '';
    return [
      plugin,
      numberText(own),
      numberText(theirs),
      `x${weight}`,
      sign + numberText(difference),
    ];
  });
  const head = ['PLUGIN', name.toUpperCase(), chosen.name.toUpperCase(), 'WEIGHT', 'DIFFERENCE'];
  const first = `${who} ${place}. ${name} has ${numberText(total)} points, ${behind}.`;
  return `${[first, '', ...alignColumns([head, ...rows])].join('\n')}\n`;
}

function headOf(explanation: PodExplanation): readonly string[] {
  const { namespace, name, profile, state, nodeName = '', decision } = explanation;
  const who = `Pod ${namespace}/${name}`;
  const by = `profile ${profile}${decision === undefined ? '' : `, decided ${decision.at}`}`;
  switch (state) {
    case 'gated':
      return [`${who} is gated: it is not tried (${by}).`];
    case 'waiting':
      return [`${who} has a node and waits to be bound (${by}).`];
    case 'pending':
      return [`${who} has no node (${by}).`, ...(decision?.message ? [decision.message] : [])];
    case 'scheduled':
      return [`${who} is on ${nodeName} (${by}).`, ...winText(explanation)];
  }
}

function winText(explanation: PodExplanation): readonly string[] {
  const { decision } = explanation;
  if (decision === undefined || decision.chosen === undefined) return [];
  const { scored, ties, margin, runnerUp, chosen } = decision;
  if (scored === 0) return [`${chosen} was the only node that was left: nothing was scored.`];
  if (ties.length > 1) return [`${scored} nodes were scored; ${tieText(explanation)}.`];
  const ahead = margin === undefined ? '' : `, ${numberText(margin)} ahead of ${runnerUp}`;
  return [`${scored} nodes were scored; ${chosen} won${ahead}.`];
}

function tieText({ decision }: PodExplanation): string {
  const { ties = [], tieBreak = '' } = decision ?? {};
  const names = ties.length > 6 ? `${ties.length} nodes` : ties.join(', ');
  return `${names} had the most points, and ${TIE_TEXTS[tieBreak] ?? tieBreak}`;
}

const TIE_TEXTS: Readonly<Record<string, string>> = {
  random: 'one of them was taken at random (seeded)',
  first: 'the one that was looked at first was taken',
  name: 'the first by name was taken',
  heap135: 'the one was taken that kube-scheduler 1.35 takes (heap135)',
};

function objectionsText({ objections, verdict }: NodeVerdict): string {
  if (objections.length > 0) {
    return objections.map(({ plugin, reasons }) => `${plugin}: ${reasons.join(', ')}`).join('; ');
  }
  return verdict === 'chosen' ? 'it is there' : 'would take it';
}

function remedyLines(remedies: readonly Remedy[]): readonly string[] {
  const lines = remedies.map(({ node, changes }) => {
    const text = changes.join(', and ');
    return `  ${text}${text.includes(node) ? '' : `   (then ${node} takes it)`}`;
  });
  return ['It would run after one of these, the easiest first:', ...new Set(lines)];
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
