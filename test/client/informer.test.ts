import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { Client, ListOptions, WatchEvent, WatchOptions } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import type { ConfigMap } from '../../proto/api/gen/core-v1.ts';
import { configmaps } from '../../proto/api/gen/resources.ts';
import { expired } from '../../proto/api/status-error.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

function object(name: string, resourceVersion: string, uid = name): ConfigMap {
  const metadata = { namespace: 'ns', name, uid, resourceVersion, creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

type Script =
  | { list: ConfigMap[]; version: string }
  | { watch: (WatchEvent<ConfigMap> | Error | 'end' | 'hang')[] };

/** Answers lists and watches as scripted, in turn, and records what was asked. */
function scripted(scripts: Script[]) {
  const asked: string[] = [];
  const list = async (_resource: unknown, options: ListOptions = {}) => {
    const script = scripts.shift();
    asked.push(`list ${options.resourceVersion}`);
    assert.ok(script !== undefined && 'list' in script);
    const metadata = { resourceVersion: script.version };
    return { apiVersion: 'v1', kind: 'ConfigMapList', metadata, items: script.list };
  };
  async function* watch(_resource: unknown, options: WatchOptions, signal: AbortSignal) {
    const script = scripts.shift();
    asked.push(`watch ${options.resourceVersion}`);
    assert.ok(script !== undefined && 'watch' in script);
    for (const event of script.watch) {
      if (event instanceof Error) throw event;
      if (event === 'end') return;
      if (event !== 'hang') yield event;
      else await new Promise((_, reject) => signal.addEventListener('abort', reject));
    }
  }
  return { client: { list, watch } as unknown as Pick<Client, 'list' | 'watch'>, asked };
}

async function runScript(scripts: Script[], advanceMs: readonly number[] = []) {
  const clock = new FakeClock();
  const { client, asked } = scripted(scripts);
  const informer = new Informer({ client, clock, logger: silentLogger }, configmaps, {
    indexers: { version: (each) => [each.metadata.resourceVersion] },
  });
  const heard: string[] = [];
  informer.addHandler({
    onAdd: (each) => heard.push(`+${each.metadata.name}`),
    onUpdate: (old, each) =>
      heard.push(`${old.metadata.resourceVersion}>${each.metadata.resourceVersion}`),
    onDelete: (each) => heard.push(`-${each.metadata.name}`),
  });
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  await settle();
  for (const ms of advanceMs) await clock.advance(ms);
  controller.abort();
  await running;
  return { informer, heard, asked };
}

const event = (type: WatchEvent<ConfigMap>['type'], each: ConfigMap) => ({ type, object: each });

describe('Informer', () => {
  it('lists, watches, tells the differences in order, and indexes', async () => {
    const { informer, heard, asked } = await runScript([
      { list: [object('a', '1'), object('b', '2')], version: '5' },
      {
        watch: [
          event('MODIFIED', object('a', '6')),
          event('ADDED', object('c', '7')),
          event('DELETED', object('b', '8')),
          'hang',
        ],
      },
    ]);
    await informer.hasSynced;
    assert.deepEqual(asked, ['list 0', 'watch 5']);
    assert.deepEqual(heard, ['+a', '+b', '1>6', '+c', '-b']);
    assert.deepEqual(
      informer.list().map((each) => each.metadata.name),
      ['a', 'c'],
    );
    assert.equal(informer.get('ns/c')?.metadata.resourceVersion, '7');
    assert.equal(informer.byIndex('version', '6')[0]?.metadata.name, 'a');
    assert.deepEqual(informer.byIndex('version', '1'), []);
  });

  it('takes a broken watch up after the last event or bookmark, without a list', async () => {
    const { asked, heard } = await runScript(
      [
        { list: [], version: '5' },
        { watch: [event('ADDED', object('a', '6')), new Error('reset')] },
        { watch: [event('BOOKMARK', object('', '9')), 'end'] },
        { watch: ['hang'] },
      ],
      [50],
    );
    assert.deepEqual(asked, ['list 0', 'watch 5', 'watch 6', 'watch 9']);
    assert.deepEqual(heard, ['+a']);
  });

  it('lists anew, the newest state, when the version is too old, and tells the differences', async () => {
    const { asked, heard, informer } = await runScript(
      [
        { list: [object('a', '1'), object('b', '2'), object('c', '3')], version: '5' },
        { watch: [expired('too old')] },
        { list: [object('a', '1'), object('b', '20'), object('c', '21', 'other')], version: '30' },
        { watch: [event('DELETED', object('a', '31')), 'hang'] },
      ],
      [50],
    );
    assert.deepEqual(asked, ['list 0', 'watch 5', 'list ', 'watch 30']);
    assert.deepEqual(heard, ['+a', '+b', '+c', '2>20', '-c', '+c', '-a']);
    assert.equal(informer.list().length, 2);
  });

  it('backs off from watches that end at once', async () => {
    const { asked } = await runScript(
      [{ list: [], version: '5' }, { watch: ['end'] }, { watch: ['end'] }, { watch: ['hang'] }],
      [50, 99],
    );
    assert.deepEqual(asked, ['list 0', 'watch 5', 'watch 5'], 'The third waits 100 ms');
  });

  it('tells a late handler what is known, and survives a handler that fails', async () => {
    const { informer } = await runScript([
      { list: [object('a', '1')], version: '5' },
      { watch: ['hang'] },
    ]);
    const seen: string[] = [];
    informer.addHandler({
      onAdd: () => {
        throw new Error('broken handler');
      },
    });
    informer.addHandler({ onAdd: (each) => seen.push(each.metadata.name) });
    assert.deepEqual(seen, ['a']);
  });

  it('rejects hasSynced when it ends before the first list', async () => {
    const clock = new FakeClock();
    const informer = new Informer(
      { client: scripted([]).client, clock, logger: silentLogger },
      configmaps,
    );
    await informer.run(AbortSignal.abort());
    await assert.rejects(informer.hasSynced, /ended before its first list/);
    assert.equal(informer.isSynced, false);
  });
});
