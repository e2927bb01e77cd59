import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ResourceMapper, type ServedResource } from '../../cli/resources/resource-mapper.ts';
import { parseOne, parseTargets } from '../../cli/resources/targets.ts';
import { CliUsageError } from '../../cli/session.ts';

function served(
  plural: string,
  kind: string,
  group = '',
  shortNames: readonly string[] = [],
): ServedResource {
  return {
    group,
    version: 'v1',
    kind,
    plural,
    namespaced: true,
    singular: kind.toLowerCase(),
    shortNames,
    categories: kind === 'Pod' || kind === 'Deployment' ? ['all'] : [],
    verbs: ['get', 'list'],
    subresources: [],
  };
}

const MAPPER = new ResourceMapper([
  served('pods', 'Pod', '', ['po']),
  served('events', 'Event', '', ['ev']),
  served('deployments', 'Deployment', 'apps', ['deploy']),
  served('events', 'Event', 'events.k8s.io', ['ev']),
]);

describe('ResourceMapper', () => {
  it('finds a resource by plural, singular, kind, short name, and with its group', () => {
    for (const name of [
      'deployments',
      'deployment',
      'Deployment',
      'deploy',
      'deployments.apps',
      'deploy.v1.apps',
    ]) {
      assert.equal(MAPPER.byName(name).kind, 'Deployment', name);
    }
    assert.equal(MAPPER.byName('events').group, '');
    assert.equal(MAPPER.byName('events.events.k8s.io').group, 'events.k8s.io');
  });

  it('says what the server does not have', () => {
    assert.throws(() => MAPPER.byName('foos'), {
      name: 'CliUsageError',
      message: `the server doesn't have a resource type "foos"`,
    });
    assert.throws(() => MAPPER.byKind('v1', 'Foo'), CliUsageError);
  });
});

describe('parseTargets', () => {
  const shown = (words: readonly string[]): readonly string[] =>
    parseTargets(words, MAPPER).map(
      ({ resource, names }) => `${resource.plural}:${names.join('+')}`,
    );

  it('reads the forms that kubectl has', () => {
    assert.deepEqual(shown(['pods']), ['pods:']);
    assert.deepEqual(shown(['po', 'a', 'b']), ['pods:a+b']);
    assert.deepEqual(shown(['po/a', 'deploy/b']), ['pods:a', 'deployments:b']);
    assert.deepEqual(shown(['po,deploy']), ['pods:', 'deployments:']);
    assert.deepEqual(shown(['all']), ['pods:', 'deployments:']);
  });

  it('refuses what makes no sense', () => {
    for (const words of [[], ['po/a', 'b'], ['po/'], ['a/b/c']]) {
      assert.throws(() => parseTargets(words, MAPPER), CliUsageError, words.join(' '));
    }
  });
});

describe('parseOne', () => {
  it('reads TYPE/NAME, TYPE NAME, and NAME where the type is clear', () => {
    assert.equal(parseOne(['deploy/a'], MAPPER).name, 'a');
    assert.equal(parseOne(['deploy', 'a'], MAPPER).resource.kind, 'Deployment');
    assert.equal(parseOne(['a'], MAPPER, 'pods').resource.kind, 'Pod');
    assert.throws(() => parseOne(['a'], MAPPER), CliUsageError);
  });
});
