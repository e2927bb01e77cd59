/** docs/containers.md: every step does, and prints, what it says. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { stepsOf } from '../support/runnable-document.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

const STEP_END = '--- end of step';

describe('docs/containers.md', () => {
  const lab = new TestLab();
  after(() => lab.down());

  it('can be followed', async () => {
    const root = path.dirname(SKIFF);
    const steps = stepsOf(path.join(root, 'docs', 'containers.md'));
    assert.ok(steps.length > 8);
    // One shell for all: a step uses what the ones before it have set.
    const script = steps
      .map(({ script: text }) => `${text.replaceAll('harbor', lab.name)}\necho "${STEP_END}"`)
      .join('\n');
    const result = await lab.run('bash', ['-eu', '-c', script], { timeoutMs: 240_000 });
    const printed = result.stdout.split(`${STEP_END}\n`);
    for (const [index, { script: text, expected }] of steps.entries()) {
      const lines = (printed[index] ?? '').split('\n').map((line) => line.trimEnd());
      if (expected !== undefined) assert.match(lines.join('\n').trimEnd(), expected, text);
    }
    assert.equal(result.code, 0, result.stderr);
  });
});
