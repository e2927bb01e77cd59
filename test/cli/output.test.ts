import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDuration } from '../../cli/commands/flags.ts';
import { DescriptionWriter } from '../../cli/describe/writer.ts';
import { formatObject, parseOutput } from '../../cli/printers/output.ts';
import { TablePrinter } from '../../cli/printers/table.ts';
import { CliUsageError } from '../../cli/session.ts';

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', managedFields: [{ manager: 'x' }] },
  spec: { replicas: 2 },
};

describe('parseOutput', () => {
  it('reads the formats, and refuses others by name', () => {
    assert.deepEqual(parseOutput(undefined), { kind: 'table', wide: false });
    assert.deepEqual(parseOutput('wide'), { kind: 'table', wide: true });
    assert.deepEqual(parseOutput('jsonpath={.a}'), { kind: 'jsonpath', template: '{.a}' });
    assert.throws(() => parseOutput('xml'), /unable to match a printer .*"xml"/);
  });
});

describe('formatObject', () => {
  it('prints yaml and json without managed fields', () => {
    const yaml =
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n';
    assert.equal(formatObject(DEPLOYMENT, { kind: 'yaml' }), yaml);
    assert.doesNotMatch(formatObject(DEPLOYMENT, { kind: 'json' }), /managedFields/);
  });

  it('prints names as kubectl does, one a line', () => {
    const list = {
      kind: 'List',
      items: [DEPLOYMENT, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }],
    };
    assert.equal(formatObject(list, { kind: 'name' }), 'deployment.apps/web\npod/p\n');
  });

  it('evaluates jsonpath', () => {
    assert.equal(formatObject(DEPLOYMENT, { kind: 'jsonpath', template: '{.spec.replicas}' }), '2');
  });
});

describe('TablePrinter', () => {
  it('prints the head once, and keeps the columns in line over several parts', () => {
    const lines: string[] = [];
    const printer = new TablePrinter((text) => void lines.push(text), {
      wide: false,
      withNamespace: false,
    });
    const columnDefinitions = [
      { name: 'Name', type: 'string', priority: 0 },
      { name: 'Age', type: 'string', priority: 0 },
    ];
    printer.print({ columnDefinitions, rows: [] });
    assert.equal(printer.isFresh, true);
    printer.print({ columnDefinitions, rows: [{ cells: ['a-long-name', '1s'] }] });
    printer.print({ columnDefinitions: [], rows: [{ cells: ['b', '2s'] }] });
    assert.deepEqual(lines, ['NAME          AGE\n', 'a-long-name   1s\n', 'b             2s\n']);
  });
});

describe('parseDuration', () => {
  it('reads durations as Go writes them', () => {
    assert.equal(parseDuration('90s'), 90_000);
    assert.equal(parseDuration('1h30m'), 5_400_000);
    assert.equal(parseDuration('250ms'), 250);
    assert.equal(parseDuration('5'), 5_000);
    for (const text of ['', 'x', '5 minutes', '1d']) {
      assert.throws(() => parseDuration(text), CliUsageError, text);
    }
  });
});

describe('DescriptionWriter', () => {
  it('puts values in one column, maps a pair a line, sections indented', () => {
    const writer = new DescriptionWriter();
    writer.line('Name', 'web');
    writer.line('Absent', undefined);
    writer.map('Labels', { b: '2', a: '1' });
    writer.map('Annotations', {});
    writer.section('Spec', (inner) => inner.line('Replicas', 2));
    assert.deepEqual(writer.toString().split('\n'), [
      'Name:              web',
      'Labels:            a=1',
      '                   b=2',
      'Annotations:       <none>',
      'Spec:',
      '  Replicas:        2',
      '',
    ]);
  });
});
