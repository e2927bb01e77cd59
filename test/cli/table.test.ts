import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTable } from '../../cli/printers/table.ts';

const TABLE = {
  columnDefinitions: [
    { name: 'Name', type: 'string', priority: 0 },
    { name: 'Ready', type: 'string', priority: 0 },
    { name: 'Node', type: 'string', priority: 1 },
  ],
  rows: [
    {
      cells: ['web', '1/1', 'node-1'],
      object: { metadata: { namespace: 'default', labels: { b: '2', a: '1' } } },
    },
    { cells: ['a-longer-name', '0/1', null], object: { metadata: { namespace: 'x' } } },
  ],
};

describe('formatTable', () => {
  it('aligns columns three spaces apart, and leaves wide ones out', () => {
    assert.deepEqual(formatTable(TABLE, { wide: false, withNamespace: false }), [
      'NAME            READY',
      'web             1/1',
      'a-longer-name   0/1',
    ]);
  });

  it('shows wide columns, namespaces and labels when asked', () => {
    assert.deepEqual(formatTable(TABLE, { wide: true, withNamespace: true, showLabels: true }), [
      'NAMESPACE   NAME            READY   NODE     LABELS',
      'default     web             1/1     node-1   a=1,b=2',
      'x           a-longer-name   0/1     <none>   <none>',
    ]);
  });

  it('leaves the head out when asked', () => {
    const [first] = formatTable(TABLE, { wide: false, withNamespace: false, noHeaders: true });
    assert.equal(first, 'web             1/1');
  });
});
