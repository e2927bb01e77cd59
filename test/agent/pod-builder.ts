/** Pods and observations for tests, from short words. */

import { hashContainer } from '../../agent/pod/container-identity.ts';
import type {
  ContainerStateName,
  ObservedContainer,
  ObservedPod,
} from '../../agent/pod/observed-pod.ts';
import { newestFirst } from '../../agent/pod/observed-pod.ts';
import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';

export const START_MS = Date.parse('2026-01-01T00:00:00Z');

export function newPod(
  spec: Partial<Pod['spec']> = {},
  metadata: Partial<Pod['metadata']> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'uid-1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { nodeName: 'node-1', containers: [newContainer('app')], ...spec },
    status: {},
  };
}

export function newContainer(name: string, more: Partial<Container> = {}): Container {
  return { name, image: `${name}:1`, imagePullPolicy: 'IfNotPresent', ...more };
}

/** Reads `app=running`, `app#2=exited(3)`, `app=created`, `old/app=exited(0)`: in sandbox `old`. */
export function parseRun(word: string): ObservedContainer {
  const pattern = /^(?:(\w+)\/)?(\w+)(?:#(\d+))?=(\w+)(?:\((\d+)\))?$/;
  const [, sandboxId = 'sandbox', name = '', attempt = '0', state = '', code] =
    pattern.exec(word) ?? [];
  return {
    id: `${name}-${attempt}`,
    name,
    sandboxId,
    attempt: Number(attempt),
    state: state as ContainerStateName,
    hash: hashContainer(newContainer(name)),
    image: `${name}:1`,
    imageId: `sha256:${name}`,
    createdAtMs: START_MS,
    startedAtMs: START_MS,
    ...(code === undefined ? {} : { exitCode: Number(code), finishedAtMs: START_MS + 1000 }),
  };
}

/** Reads `sandbox=ready sandbox#1=gone app=running`. */
export function parseObserved(words: readonly string[]): ObservedPod {
  const isSandbox = (word: string): boolean => /=(ready|noIp|gone)$/.test(word);
  const sandboxes = words.filter(isSandbox).map((word) => {
    const [, id = '', attempt = '0', state = ''] = /^(\w+)(?:#(\d+))?=(\w+)$/.exec(word) ?? [];
    return {
      id,
      attempt: Number(attempt),
      ready: state !== 'gone',
      createdAtMs: START_MS,
      ips: state === 'ready' ? ['10.0.0.5'] : [],
    };
  });
  const containers = words.filter((word) => !isSandbox(word)).map(parseRun);
  return { uid: 'uid-1', sandboxes: newestFirst(sandboxes), containers: newestFirst(containers) };
}
