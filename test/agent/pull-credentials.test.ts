/** Which of a pod's imagePullSecrets are shown for which image. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PullCredentials } from '../../agent/images/pull-credentials.ts';
import { matchingKeys, registryOf } from '../../agent/images/registry-match.ts';
import type { Pod, Secret } from '../../proto/api/gen/core-v1.ts';

describe('the credentials of a registry', () => {
  it('are for images below its host and path', () => {
    for (const [key, image, isFor] of [
      ['r.example', 'r.example/app:1', true],
      ['https://r.example/v2/', 'r.example/app', true],
      ['r.example:5000', 'r.example/app', false],
      ['r.example:5000', 'r.example:5000/app@sha256:00', true],
      ['r.example/team', 'r.example/team/app', true],
      ['r.example/team', 'r.example/other/app', false],
      ['*.example', 'r.example/app', true],
      ['*.example', 'a.b.example/app', false],
      ['r*t.*.example', 'rest.b.example/app', true],
      ['r*t.example', 'rest2.example/app', false],
      ['*****a*****b', 'localhost/app', false],
      ['https://index.docker.io/v1/', 'busybox', true],
      ['docker.io', 'library/busybox:1', true],
      ['docker.io', 'localhost/busybox', false],
      ['', 'busybox', false],
    ] as const) {
      assert.equal(matchingKeys([key], image).length === 1, isFor, `${key} for ${image}`);
    }
    const keys = ['r.example', 'r.example/team/app', 'r.example/team'];
    assert.deepEqual(matchingKeys(keys, 'r.example/team/app:1'), [
      'r.example/team/app',
      'r.example/team',
      'r.example',
    ]);
    assert.equal(registryOf('r.example:5000/a:1'), 'r.example:5000');
    assert.equal(registryOf('a/b'), 'docker.io');
  });

  it('come from the secrets of the pod, in both forms, and those that are broken are passed over', async () => {
    const base64 = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64');
    const auth = Buffer.from('ann:pass:word').toString('base64');
    const data: Readonly<Record<string, Secret['data']>> = {
      new: { '.dockerconfigjson': base64({ auths: { '*.example': { auth } } }) },
      old: { '.dockercfg': base64({ 'r.example': { username: 'bob', password: 'x' } }) },
      broken: { '.dockerconfigjson': '!!' },
      odd: { '.dockerconfigjson': base64({ auths: { 'r.example': null } }) },
    };
    const secret = async (_namespace: string, name: string): Promise<Secret | undefined> =>
      data[name] === undefined ? undefined : ({ metadata: {}, data: data[name] } as Secret);
    const imagePullSecrets = ['new', 'missing', 'broken', 'odd', 'old'].map((name) => ({ name }));
    const pod = { metadata: { namespace: 'x' }, spec: { imagePullSecrets } } as unknown as Pod;
    const found = await new PullCredentials({ secret }).of(pod, 'r.example/app');
    assert.deepEqual(
      found.map(({ username, password, server_address }) => [username, password, server_address]),
      [
        ['ann', 'pass:word', 'r.example'],
        ['bob', 'x', 'r.example'],
      ],
    );
  });
});
