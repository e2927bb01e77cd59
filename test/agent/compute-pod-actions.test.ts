import { describe } from 'node:test';
import {
  computePodActions,
  type PodAction,
  type ProbeResults,
} from '../../agent/pod/compute-pod-actions.ts';
import { hashContainer } from '../../agent/pod/container-identity.ts';
import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import { runDataDriven } from '../support/data-driven.ts';
import { newContainer, newPod, parseObserved } from './pod-builder.ts';

/**
 * `pod policy=P containers=a,b init=c,d*` (`*`: a sidecar, `!`: with a startup probe), then
 * `observe …`, `probe ID liveness=false`, `changed NAME`, `started NAME`, each printing the actions.
 */
describe('computePodActions', () => {
  runDataDriven('test/agent/testdata/pod-actions', () => {
    let pod: Pod = newPod();
    let words: readonly string[] = [];
    let changed = '';
    const probes = new Map<string, ProbeResults>();
    const started = new Set<string>();
    const hashOf = (container: Container): string =>
      container.name === changed ? 'other' : hashContainer(container);
    return (command) => {
      const [verb = '', ...rest] = command.split(' ');
      if (verb === 'pod') pod = parsePod(rest);
      else if (verb === 'observe') words = rest;
      else if (verb === 'changed') changed = rest[0] ?? '';
      else if (verb === 'started') started.add(rest[0] ?? '');
      else if (verb === 'probe') {
        const [id = '', result = ''] = rest;
        const [kind = '', value] = result.split('=');
        probes.set(id, { ...probes.get(id), [kind]: value === 'true' });
      } else throw new Error(`Unknown command ${verb}`);
      const actions = computePodActions({
        pod,
        observed: parseObserved(words),
        hashOf,
        probesOf: (id) => probes.get(id) ?? {},
        wasStarted: (name) => started.has(name),
      });
      return actions.length === 0 ? 'nothing' : actions.map(print).join('\n');
    };
  });
});

function parsePod(words: readonly string[]): Pod {
  const fields = new Map(words.map((word) => word.split('=') as [string, string]));
  const list = (text: string | undefined): Container[] =>
    (text ?? '')
      .split(',')
      .filter((name) => name !== '')
      .map(parseContainer);
  return newPod({
    restartPolicy: (fields.get('policy') ?? 'Always') as 'Always',
    hostNetwork: fields.get('hostNetwork') === 'true',
    containers: list(fields.get('containers')),
    initContainers: list(fields.get('init')),
  });
}

function parseContainer(word: string): Container {
  return newContainer(word.replace(/[*!]/g, ''), {
    ...(word.includes('*') ? { restartPolicy: 'Always' } : {}),
    ...(word.includes('!') ? { startupProbe: {} } : {}),
  });
}

function print(action: PodAction): string {
  switch (action.kind) {
    case 'killPod':
      return 'killPod';
    case 'createSandbox':
      return `createSandbox attempt=${action.attempt}`;
    case 'removeContainer':
      return `removeContainer ${action.id}`;
    case 'startContainer':
      return `start ${action.init ? 'init ' : ''}${action.container.name} attempt=${action.attempt}`;
    case 'killContainer':
      return `kill ${action.id}: ${action.message}`;
  }
}
