/** What is wrong with a policy file is said in one line that names the field, or the line. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { PolicyError } from '../../../scheduler/policy/check-policy.ts';
import { loadPolicy } from '../../../scheduler/policy/load-policy.ts';
import { PolicyTrial } from '../../../scheduler/policy/testing.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'skiff-policy-'));
after(() => rmSync(dir, { recursive: true }));
let files = 0;

function write(text: string, name?: string): string {
  files += 1;
  const file = path.join(dir, name ?? `p${files}.ts`);
  writeFileSync(file, text);
  return file;
}

async function failureOf(file: string): Promise<string> {
  try {
    await loadPolicy(file);
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    assert.ok(!error.message.includes('\n'), 'The message has one line');
    return error.message.replaceAll(`${dir}/`, '');
  }
  return assert.fail(`${file} was loaded`);
}

describe('loadPolicy', () => {
  it('takes a file from anywhere, with types and helpers of skiff/policy', async () => {
    const file = write(`
      import { type Policy, unschedulable } from 'skiff/policy';
      export const policy: Policy<{ from: string }> = {
        name: 'elsewhere',
        parameters: { from: 'n2' },
        plugins: ({ parameters }) => [{
          name: 'OnlyFrom',
          filter: (_state, _pod, node) => node.name >= parameters.from ? undefined : unschedulable('too low'),
        }],
      };`);
    const policy = await loadPolicy(file);
    const nodes = ['n1', 'n2', 'n3'].map((name) => ({ name }));
    assert.notEqual(new PolicyTrial(policy, { nodes }).schedule(), 'n1');
    const parameters = { from: 'n3' };
    assert.equal(new PolicyTrial(policy, { nodes, parameters }).schedule(), 'n3');
    const whyNot = new PolicyTrial(policy, { nodes, parameters: { from: 'x' } }).whyNot() ?? '';
    assert.match(whyNot, /^0\/3 nodes are available: 3 too low\. preemption: /);
  });

  it('says what is wrong with the file, and where', async () => {
    assert.match(
      await failureOf(path.join(dir, 'none.ts')),
      /^policy file "none.ts" does not exist$/,
    );
    assert.match(await failureOf(dir), /a policy is a TypeScript file/);
    assert.equal(
      await failureOf(
        write('export const policy = {\n  name: "x",\n  extends: : 1,\n};\n', 'a.ts'),
      ),
      'a.ts:3: SyntaxError: Expression expected',
    );
    assert.equal(
      await failureOf(write('\nenum A { B }\nexport const policy = A;\n', 'b.ts')),
      'b.ts:2: SyntaxError: TypeScript enum is not supported in strip-only mode',
    );
    assert.equal(
      await failureOf(write('export const policy = {};\n\nthrow new TypeError("boom");\n', 'c.ts')),
      'c.ts:3: TypeError: boom',
    );
    assert.match(
      await failureOf(write('import { a } from "./nope.ts";\nexport const policy = a;\n', 'd.ts')),
      /^d\.ts: Error: Cannot find module .*nope\.ts/,
    );
    assert.equal(
      await failureOf(write('export const mine = { name: "x" };\n', 'e.ts')),
      'e.ts: exports no "policy" (only mine): write "export const policy: Policy = { … }"',
    );
  });

  it('names the field that is wrong', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['3', /policy must be an object, not 3$/],
      ['{}', /policy\.name must be a name of .* not nothing$/],
      ['{ name: "A b" }', /policy\.name .* not "A b"$/],
      ['{ name: "default-scheduler" }', /is taken.*replacesDefault/],
      [
        '{ name: "x", plugin: [] }',
        /policy\.plugin is no field of a policy \(did you mean "plugins"\?\)$/,
      ],
      [
        '{ name: "x", extends: "all" }',
        /policy\.extends must be one of "default", "filters", "none", not "all"$/,
      ],
      ['{ name: "x", tieBreak: 1 }', /policy\.tieBreak must be one of .* not 1$/],
      ['{ name: "x", plugins: [] }', /policy\.plugins must be a function .* not an array$/],
      ['{ name: "x", plugins: () => 1 }', /policy\.plugins must return an array, not 1$/],
      [
        '{ name: "x", plugins: () => { throw new Error("no") } }',
        /policy\.plugins threw Error: no$/,
      ],
      [
        '{ name: "x", plugins: () => [{ score: () => 1 }] }',
        /plugins\(\)\[0\]\.name must be a text, not nothing$/,
      ],
      [
        '{ name: "x", plugins: () => [{ name: "P" }] }',
        /plugin "P" has no extension point: give it one of preEnqueue/,
      ],
      [
        '{ name: "x", plugins: () => [{ name: "P", scores: () => 1 }] }',
        /"scores" is no extension point \(did you mean "score"\?\)$/,
      ],
      [
        '{ name: "x", plugins: () => [{ name: "P", filter: 1 }] }',
        /plugin "P": filter must be a function, not 1$/,
      ],
      [
        '{ name: "x", plugins: () => [{ name: "P", weight: 0, score: () => 1 }] }',
        /weight must be a whole number from 1 to 100, not 0$/,
      ],
      [
        '{ name: "x", plugins: () => [{ name: "NodePorts", score: () => 1 }] }',
        /is the name of another plugin/,
      ],
      [
        '{ name: "x", disable: ["NodePort"] }',
        /policy\.disable names "NodePort", .*\(did you mean "NodePorts"\?\)$/,
      ],
      [
        '{ name: "x", weights: { ImageLocality: 1.5 } }',
        /policy\.weights\.ImageLocality must be .* not 1\.5$/,
      ],
      ['{ name: "x", percentageOfNodesToScore: 101 }', /percentageOfNodesToScore .* not 101$/],
      [
        '{ name: "x", parameters: { a: [] } }',
        /policy\.parameters\.a must be a number, text or boolean, not an array$/,
      ],
    ];
    for (const [text, expected] of cases) {
      assert.match(await failureOf(write(`export const policy = ${text};`)), expected);
    }
  });
});
