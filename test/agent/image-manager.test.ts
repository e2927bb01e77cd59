/** When an image is pulled, with whose credentials, and what a pod is told when it can't be. */

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ImageError, ImageManager } from '../../agent/images/image-manager.ts';
import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import type { AuthConfig, Image, Input } from '../../proto/cri/types.ts';
import { FakeClock } from '../support/fake-clock.ts';

const POD = {
  metadata: { uid: 'u', name: 'p', namespace: 'n' },
  spec: { containers: [] },
} as unknown as Pod;

describe('the images of a pod', () => {
  let present: boolean;
  let pulls: (Input<AuthConfig> | undefined)[];
  let failures: CriError[];
  let events: string[];
  let credentials: readonly Input<AuthConfig>[];
  let clock: FakeClock;
  let manager: ImageManager;

  beforeEach(() => {
    present = false;
    pulls = [];
    failures = [];
    events = [];
    credentials = [];
    clock = new FakeClock();
    const image = { id: 'sha256:1', size: '7' } as Image;
    manager = new ImageManager({
      clock,
      cri: {
        imageStatus: async () => ({ image: present ? image : null, info: {} }),
        pullImage: async ({ auth }: { readonly auth?: Input<AuthConfig> | null }) => {
          pulls.push(auth ?? undefined);
          const failure = failures.shift();
          if (failure !== undefined) throw failure;
          present = true;
          return { image_ref: image.id };
        },
      },
      events: {
        record: (_pod: unknown, _type: string, reason: string) => void events.push(reason),
      },
      credentials: { of: async () => credentials },
    } as unknown as ConstructorParameters<typeof ImageManager>[0]);
  });

  function ensure(imagePullPolicy: string | undefined, image = 'a.example/app:1') {
    const container = { name: 'c', image, imagePullPolicy } as Container;
    return manager.ensure(POD, container, {}, AbortSignal.timeout(10_000));
  }

  async function reasonOf(promise: Promise<unknown>): Promise<string> {
    const error = await promise.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof ImageError);
    return error.reason;
  }

  it('are pulled by the policy', async () => {
    assert.equal(await reasonOf(ensure('Never')), 'ErrImageNeverPull');
    await ensure('IfNotPresent');
    await ensure('IfNotPresent');
    await ensure('Never');
    assert.equal(pulls.length, 1);
    await ensure('Always');
    assert.equal(pulls.length, 2);
    await ensure(undefined, 'a.example/app:latest');
    assert.equal(pulls.length, 3);
  });

  it('are pulled with each credential in turn', async () => {
    credentials = [{ username: 'stale' }, { username: 'ann' }];
    failures = [new CriError('PERMISSION_DENIED', 'no')];
    await ensure('Always');
    assert.deepEqual(
      pulls.map((auth) => auth?.username),
      ['stale', 'ann'],
    );
  });

  it('that fail are tried again later and later', async () => {
    const failure = new CriError('NOT_FOUND', 'not found');
    for (const [index, delayMs] of [10_000, 20_000, 40_000].entries()) {
      failures = [failure];
      assert.equal(await reasonOf(ensure('Always')), 'ErrImagePull');
      assert.equal(await reasonOf(ensure('Always')), 'ImagePullBackOff');
      assert.equal(pulls.length, index + 1);
      clock.advance(delayMs);
    }
    await ensure('Always');
    assert.ok(events.includes('BackOff'));
  });

  it('whose name is none say so', async () => {
    failures = [new CriError('INVALID_ARGUMENT', 'invalid reference format: "a//b"')];
    assert.equal(await reasonOf(ensure('Always', 'a//b')), 'InvalidImageName');
    assert.ok(events.includes('InspectFailed'));
  });
});
