import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frameworksOf, pluginsOf } from '../../../scheduler/config/frameworks-of.ts';
import {
  ConfigurationError,
  readConfiguration,
} from '../../../scheduler/config/read-configuration.ts';
import type { ProfileDependencies } from '../../../scheduler/default-profile.ts';

const HEADER = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const dependencies: ProfileDependencies = {
  client: { request: () => Promise.reject(new Error('unused')) },
  peersOf: () => undefined,
  namespaceLabels: () => ({}),
};
const read = (text: string) => readConfiguration(HEADER + text);
/** One profile whose fields these are. */
const profile = (fields: string): string =>
  `profiles:\n- ${fields.trim().replaceAll('\n', '\n  ')}\n`;
const pluginsOfProfile = (fields: string) =>
  pluginsOf(read(profile(fields)).profiles[0], dependencies);

describe('readConfiguration', () => {
  it("gives upstream's defaults for what isn't said", () => {
    const configuration = read('');
    const [only, ...more] = configuration.profiles;
    assert.equal(more.length, 0);
    assert.equal(only.schedulerName, 'default-scheduler');
    assert.equal(configuration.podInitialBackoffSeconds, 1);
    assert.equal(configuration.podMaxBackoffSeconds, 10);
    assert.equal(configuration.percentageOfNodesToScore, 0);
    assert.deepEqual(only.args.NodeResourcesFit.scoringStrategy, {
      type: 'LeastAllocated',
      resources: [
        { name: 'cpu', weight: 1 },
        { name: 'memory', weight: 1 },
      ],
    });
    assert.equal(only.args.InterPodAffinity.hardPodAffinityWeight, 1);
    assert.equal(only.version, '1.36');
  });

  it('has gangs when a profile says so', () => {
    const takesPartAt = (fields: string): readonly string[] => {
      const { points } = pluginsOfProfile(fields);
      return Object.entries(points)
        .filter(([, names]) => names.includes('GangScheduling'))
        .map(([point]) => point);
    };
    assert.deepEqual(takesPartAt('schedulerName: a'), []);
    const enabled = 'plugins: {multiPoint: {enabled: [{name: GangScheduling}]}}';
    assert.deepEqual(takesPartAt(enabled), ['preEnqueue', 'reserve', 'permit']);
  });

  const refused: readonly (readonly [string, string, string])[] = [
    [
      'a field that does not exist',
      'percentageOfNodes: 3\nprofiles:\n- schedulerNam: x\n',
      'strict decoding error: unknown field "profiles[0].schedulerNam", unknown field "percentageOfNodes"',
    ],
    [
      'a value of another type',
      'parallelism: many',
      'strict decoding error: parallelism must be an integer',
    ],
    [
      'a percentage above 100',
      'percentageOfNodesToScore: 101',
      'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
    ],
    [
      'several mistakes at once',
      'podInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1',
      '[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]',
    ],
    [
      'a plugin that does not exist',
      profile('plugins:\n  score:\n    enabled:\n    - name: Foo'),
      'profiles[0]: creating profile for scheduler name default-scheduler: plugin "Foo" does not exist',
    ],
    [
      "a plugin of upstream's that isn't here",
      profile('plugins:\n  multiPoint:\n    enabled:\n    - name: DynamicResources'),
      'profiles[0]: creating profile for scheduler name default-scheduler: plugin "DynamicResources" is not implemented',
    ],
    [
      'two profiles of one name',
      'profiles:\n- schedulerName: a\n- schedulerName: a',
      'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    ],
    [
      'a second profile without a name',
      'profiles:\n- schedulerName: a\n- {}',
      'profiles[1].schedulerName: Required value',
    ],
    [
      'another order of the queue in a second profile',
      'profiles:\n- schedulerName: a\n- schedulerName: b\n  plugins: {queueSort: {enabled: [{name: PrioritySort}]}}',
      'profiles[1].plugins.queueSort: Invalid value: must be the same for all profiles',
    ],
    [
      'unknown arguments',
      profile('pluginConfig:\n- name: NodeResourcesFit\n  args: {strategy: {}}'),
      'strict decoding error: unknown field "profiles[0].pluginConfig[0].args.strategy"',
    ],
    [
      'an unknown strategy',
      profile('pluginConfig:\n- name: NodeResourcesFit\n  args: {scoringStrategy: {type: Best}}'),
      'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
    ],
    [
      'a curve that goes back',
      profile(`pluginConfig:
- name: NodeResourcesFit
  args:
    scoringStrategy:
      type: RequestedToCapacityRatio
      requestedToCapacityRatio: {shape: [{utilization: 50, score: 1}, {utilization: 50, score: 2}]}`),
      'profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order',
    ],
    [
      'default constraints without "List"',
      profile(`pluginConfig:
- name: PodTopologySpread
  args: {defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}`),
      'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      'a weight outside its bounds',
      profile('pluginConfig:\n- name: InterPodAffinity\n  args: {hardPodAffinityWeight: 101}'),
      'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
    ],
    [
      'an extender without a weight',
      'extenders:\n- urlPrefix: http://127.0.0.1:1\n  prioritizeVerb: p',
      'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
    ],
    [
      'an unknown version',
      profile('pluginConfig:\n- name: Skiff\n  args: {version: "1.20"}'),
      'profiles[0].pluginConfig[0].args.version: Unsupported value: "1.20": supported values: "1.34", "1.35", "1.36"',
    ],
  ];
  for (const [what, text, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => read(text),
        (error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.equal(error.message, message);
          return true;
        },
      );
    });
  }

  it('refuses another kind, and what is no YAML', () => {
    assert.throws(() => readConfiguration('kind: Pod\napiVersion: v1'), /no kind "Pod"/);
    assert.throws(() => readConfiguration('a: ['), ConfigurationError);
  });

  it('reads what is ours beside the plugins', () => {
    const [one] = read(
      profile('pluginConfig:\n- name: Skiff\n  args: {version: "1.35", tieBreak: random, seed: 7}'),
    ).profiles;
    assert.equal(one.version, '1.35');
    assert.deepEqual(one.tieBreak, { kind: 'random', seed: 7 });
  });

  it('names the fields that have no effect', () => {
    const { withoutEffect } = read('parallelism: 4\nleaderElection: {leaseDuration: 15s}');
    assert.deepEqual(withoutEffect, ['parallelism', 'leaderElection.leaseDuration']);
  });
});

describe('the plugins of a profile', () => {
  it('are those of kube-scheduler, in its order, with its weights', () => {
    const { points, configured } = pluginsOfProfile('schedulerName: s');
    const weight = (name: string) => configured.find(({ plugin }) => plugin.name === name)?.weight;
    assert.deepEqual(points.score, [
      'TaintToleration',
      'NodeAffinity',
      'NodeResourcesFit',
      'PodTopologySpread',
      'InterPodAffinity',
      'NodeResourcesBalancedAllocation',
      'ImageLocality',
    ]);
    assert.deepEqual(points.score.map(weight), [3, 2, 1, 2, 2, 1, 1]);
  });

  it('are disabled at one point, or everywhere', () => {
    const { points } = pluginsOfProfile(`
plugins:
  score:
    disabled: [{name: ImageLocality}]
  multiPoint:
    disabled: [{name: TaintToleration}]`);
    assert.ok(!points.score.includes('ImageLocality'));
    assert.ok(points.preFilter.includes('ImageLocality'));
    assert.ok(!points.score.includes('TaintToleration'));
    assert.ok(!points.filter.includes('TaintToleration'));
  });

  it('stand in the order of upstream: overridden, general, then the others', () => {
    const { points, configured } = pluginsOfProfile(`
plugins:
  score:
    disabled: [{name: '*'}]
    enabled: [{name: ImageLocality, weight: 5}, {name: NodeResourcesFit}]
  filter:
    enabled: [{name: NodePorts}, {name: NodeName}]`);
    assert.deepEqual(points.score, ['ImageLocality', 'NodeResourcesFit']);
    const weights = configured.map(({ plugin, weight }) => [plugin.name, weight] as const);
    assert.equal(new Map(weights).get('ImageLocality'), 5);
    assert.equal(new Map(weights).get('NodeResourcesFit'), 1);
    assert.deepEqual(points.filter.slice(0, 4), [
      'NodePorts',
      'NodeName',
      'NodeUnschedulable',
      'TaintToleration',
    ]);
  });

  it('keep their place when they are enabled again with another weight', () => {
    const { points, configured } = pluginsOfProfile(`
plugins:
  multiPoint:
    enabled: [{name: NodeAffinity, weight: 9}]`);
    assert.equal(points.score[1], 'NodeAffinity');
    const found = configured.find(({ plugin }) => plugin.name === 'NodeAffinity');
    assert.equal(found?.weight, 9);
  });

  it('take part only where they can', () => {
    const fields = 'plugins:\n  filter:\n    enabled: [{name: ImageLocality}]';
    assert.throws(
      () => pluginsOfProfile(fields),
      /plugin "ImageLocality" does not extend FilterPlugin plugin/,
    );
  });

  it('make a framework only with one that sorts and one that binds', () => {
    const without = (name: string) => () =>
      frameworksOf(
        read(profile(`plugins: {multiPoint: {disabled: [{name: ${name}}]}}`)),
        dependencies,
      );
    assert.throws(without('DefaultBinder'), /at least one bind plugin is needed/);
    assert.throws(without('PrioritySort'), /only one queue sort plugin required .* but got 0/);
  });

  it('can come from elsewhere, with arguments of their own', () => {
    const text = `${HEADER}${profile(`
plugins: {multiPoint: {enabled: [{name: Mine, weight: 4}]}}
pluginConfig: [{name: Mine, args: {a: 1}}]`)}`;
    const seen: unknown[] = [];
    const policies = new Map([
      [
        'Mine',
        ({ ownArgs }: { ownArgs: unknown }) => {
          seen.push(ownArgs);
          return { name: 'Mine', score: () => 1 };
        },
      ],
    ]);
    const configuration = readConfiguration(text, new Set(policies.keys()));
    const { points } = pluginsOf(configuration.profiles[0], dependencies, policies);
    assert.equal(points.score.at(-1), 'Mine');
    assert.deepEqual(seen, [{ a: 1 }]);
  });
});
