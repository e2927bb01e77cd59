/** What the agent says about a runtime that is away. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pleg } from '../../agent/sync/pleg.ts';
import { newLogger } from '../../base/logger.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('a runtime that has not started yet is one line without a stack, and no warning', async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const lines: string[] = [];
  const pleg = new Pleg({
    cri: {
      async *getContainerEvents() {},
      listContainers: () => new Promise(() => undefined),
      listPodSandbox: () =>
        Promise.reject(new CriError('UNAVAILABLE', 'connect ENOENT runtime.sock')),
    },
    clock,
    logger: newLogger({
      ...{ component: 'agent', level: 'info', clock },
      write: (line) => {
        lines.push(line);
        stop.abort();
      },
    }),
    onPod: () => undefined,
    onReconnect: () => undefined,
  });
  await pleg.run(stop.signal);
  const [first] = lines;
  assert.equal(lines.length, 1);
  assert.ok(first !== undefined);
  const { level, message, error } = JSON.parse(first);
  assert.deepEqual(
    [level, message, error],
    ['info', 'Waited for the runtime', 'UNAVAILABLE: connect ENOENT runtime.sock'],
  );
});
