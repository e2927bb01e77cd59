/** Which port of a pod the words of `port-forward` mean. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseForward, podPort } from '../../cli/resources/forwarded-port.ts';
import type { Pod, Service } from '../../proto/api/gen/core-v1.ts';

const pod = {
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }] },
} as unknown as Pod;
const service = {
  metadata: { name: 'site' },
  spec: {
    ports: [
      { name: 'named', port: 80, targetPort: 'http' },
      { name: 'same', port: 81 },
      { name: 'other', port: 82, targetPort: 9000 },
    ],
  },
} as unknown as Service;

describe('the ports of port-forward', () => {
  it('are the same on both sides, chosen, or any free one', () => {
    assert.deepEqual(parseForward('80'), { local: undefined, remote: '80' });
    assert.deepEqual(parseForward('8080:80'), { local: 8080, remote: '80' });
    assert.deepEqual(parseForward(':http'), { local: 0, remote: 'http' });
    for (const wrong of ['', ':', '0', '70000', '1:2:3', '99999:80', 'x:80', '80:']) {
      assert.throws(() => parseForward(wrong), /is not a port/, wrong);
    }
  });

  it("of a pod are numbers, or names of its containers' ports", () => {
    assert.equal(podPort('1', pod, undefined), 1);
    assert.equal(podPort('http', pod, undefined), 8080);
    assert.throws(() => podPort('ftp', pod, undefined), /Pod web has no port named ftp/);
  });

  it('of a service are those that it leads to', () => {
    const ports = ['80', 'named', '81', '82'].map((port) => podPort(port, pod, service));
    assert.deepEqual(ports, [8080, 8080, 81, 9000]);
    assert.throws(() => podPort('8080', pod, service), /Service site has no port 8080/);
  });
});
