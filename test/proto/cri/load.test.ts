/** The service definitions: made from api.proto, and turning messages into the shapes of types.ts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadSync } from '@grpc/proto-loader';
import { CRI_LOAD_OPTIONS, loadCriServices } from '../../../proto/cri/load.ts';
import { IMAGE_SERVICE, RUNTIME_SERVICE } from '../../../proto/cri/rpcs.ts';

const { runtime, image } = loadCriServices();

describe('the CRI service definitions', () => {
  it('are those of api.proto: run `node proto/cri/generator/main.ts` after changing it', () => {
    const parsed = loadSync('proto/cri/api.proto', CRI_LOAD_OPTIONS);
    assert.deepEqual(shape(runtime), shape(parsed[RUNTIME_SERVICE]));
    assert.deepEqual(shape(image), shape(parsed[IMAGE_SERVICE]));
  });

  it('keep absent messages null and fill in zero scalars', () => {
    const { requestSerialize, requestDeserialize } = method('RunPodSandbox');
    const request = { config: { metadata: { name: 'a' }, linux: { security_context: {} } } };
    const decoded = requestDeserialize(requestSerialize(request));
    assert.equal(decoded.runtime_handler, '');
    assert.equal(decoded.config.dns_config, null);
    assert.equal(decoded.config.linux.security_context.seccomp, null);
    assert.equal(decoded.config.linux.security_context.run_as_user, null);
    assert.deepEqual(decoded.config.labels, {});
    assert.deepEqual(decoded.config.port_mappings, []);
  });

  it('keep 64-bit integers exact, bytes as they are and enums by name', () => {
    const { requestSerialize, requestDeserialize } = method('CreateContainer');
    const value = Buffer.from([0xff, 0x00, 0x80]);
    const config = {
      envs: [{ key: 'A', value }],
      stop_signal: 'SIGNAL_SIGUSR1',
      linux: { resources: { memory_limit_in_bytes: '9007199254740993' } },
    };
    const decoded = requestDeserialize(requestSerialize({ config }));
    assert.deepEqual(decoded.config.envs, [{ key: 'A', value }]);
    assert.equal(decoded.config.stop_signal, 'SIGNAL_SIGUSR1');
    assert.equal(decoded.config.linux.resources.memory_limit_in_bytes, '9007199254740993');
  });

  it('write the bytes that other implementations write', () => {
    // Field 23 of an enum, field 18: tag 18 << 3 = 144 1, value 23.
    const bytes = method('CreateContainer').requestSerialize({
      pod_sandbox_id: 's',
      config: { stop_signal: 'SIGNAL_SIGTERM' },
    });
    assert.deepEqual([...bytes], [0x0a, 1, 0x73, 0x12, 3, 0x90, 0x01, 23]);
  });
});

function method(name: string) {
  const found = runtime[name];
  assert.ok(found !== undefined);
  return found;
}

/** The descriptors of a service's methods and messages, without functions. */
function shape(definition: object | undefined): unknown {
  assert.ok(definition !== undefined);
  return JSON.parse(JSON.stringify(definition));
}
