/** The kernel's table of interfaces. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseInterfaceCounters } from '../../../../agent/runtime/network/interface-counters.ts';

const TABLE = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
  eth0: 18446744      12    3    4    5     6          7         8     4242      10    9    0    0     0       0          0
verylongname0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;

describe('the counters of interfaces', () => {
  it('are bytes and errors in both directions', () => {
    assert.deepEqual(parseInterfaceCounters(TABLE).slice(1), [
      { name: 'eth0', rxBytes: 18_446_744, rxErrors: 3, txBytes: 4_242, txErrors: 9 },
      { name: 'verylongname0', rxBytes: 1, rxErrors: 3, txBytes: 9, txErrors: 11 },
    ]);
  });
});
