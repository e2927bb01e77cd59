/**
 * Random schedules of calls, carried out on a Storage and on the model in memory, whose answers must
 * be the same. Revisions are compared relative to where the store began.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  CompactedError,
  type GetResult,
  type ListResult,
  type Storage,
  type WriteResult,
} from '../../apiserver/storage/storage.ts';
import { bytes, describeEvent, TEST_DEADLINE_MS, text } from './storage-harness.ts';

const KEYS = ['a', 'a/x', 'a/y', 'ab', 'b/x', 'b/y', 'c', 'é', '\u{1f600}'] as const;
const PREFIXES = ['', 'a', 'a/', 'b/', 'd'] as const;

/** What a write expects: the key's revision, that it is absent, or a revision it never had. */
type Expectation = 'right' | 'absent' | 'wrong';

/** `back` is how many revisions before the newest. */
export type Step =
  | { kind: 'put'; key: string; expect: Expectation; size: number; ttlSeconds: number | undefined }
  | { kind: 'delete'; key: string; expect: Expectation }
  | { kind: 'get'; key: string }
  | { kind: 'list'; prefix: string; limit?: number; startAfter?: string; back?: number }
  | { kind: 'watch'; prefix: string; back: number }
  | { kind: 'compact'; back: number }
  | { kind: 'elapse'; seconds: number };

export interface ScheduleOptions {
  readonly isTimed: boolean;
}

const key = fc.constantFrom(...KEYS);
const prefix = fc.constantFrom(...PREFIXES);
const expect = fc.constantFrom<Expectation>('right', 'right', 'right', 'absent', 'wrong');
const back = fc.nat(15);

/** Bursts of steps: those of a burst are called without waiting for one another. */
export function schedules(options: ScheduleOptions): fc.Arbitrary<Step[][]> {
  const ttl = options.isTimed ? fc.option(fc.integer({ min: 1, max: 4 })) : fc.constant(null);
  const put: fc.Arbitrary<Step> = fc
    .record({ key, expect, size: fc.nat(3), ttl })
    .map(({ ttl: seconds, ...rest }) => ({
      kind: 'put',
      ttlSeconds: seconds ?? undefined,
      ...rest,
    }));
  const list: fc.Arbitrary<Step> = fc
    .record(
      { prefix, limit: fc.integer({ min: 1, max: 4 }), startAfter: key, back },
      { requiredKeys: ['prefix'] },
    )
    .map((fields) => ({ kind: 'list', ...fields }));
  const others: readonly [number, fc.Arbitrary<Step>][] = [
    [12, put],
    [4, list],
    [4, fc.record({ kind: fc.constant('delete'), key, expect })],
    [2, fc.record({ kind: fc.constant('get'), key })],
    [1, fc.record({ kind: fc.constant('watch'), prefix, back })],
    [1, fc.record({ kind: fc.constant('compact'), back })],
    [
      options.isTimed ? 1 : 0,
      fc.record({ kind: fc.constant('elapse'), seconds: fc.integer({ min: 1, max: 3 }) }),
    ],
  ];
  const step = fc.oneof(...others.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  const burst = fc.array(step, { minLength: 1, maxLength: options.isTimed ? 6 : 1 });
  return fc.array(burst, { minLength: 1, maxLength: 60, size: 'max' });
}

export interface Pair {
  readonly storage: Storage;
  readonly model: Storage;
  /** Keys begin with it; nobody else writes to the store meanwhile. */
  readonly root: string;
  /** Lets the time of both pass, a second at a time. */
  elapseSecond(): Promise<void>;
}

/** Carries out a schedule on both, and compares every answer and every watch. */
export async function runSchedule(pair: Pair, schedule: readonly Step[][]): Promise<void> {
  const base = await pair.storage.currentRevision();
  const stop = new AbortController();
  const watches: Promise<void>[] = [];
  const sides = [new Side(pair.storage, pair.root, base), new Side(pair.model, pair.root, 0)];
  let newest = 0;
  for (const burst of schedule) {
    const isAlone = ({ kind }: Step): boolean => /^(elapse|watch|compact)$/.test(kind);
    const together = burst.filter((step) => !isAlone(step));
    await sameAnswers(sides, together, newest);
    for (const step of burst.filter(isAlone)) {
      if (step.kind === 'watch') {
        const after = Math.max(0, newest - step.back);
        watches.push(sameEvents(sides, pair.root + step.prefix, after, stop.signal));
      } else if (step.kind === 'elapse') {
        for (let second = 0; second < step.seconds; second += 1) await pair.elapseSecond();
      } else await sameAnswers(sides, [step], newest);
    }
    newest = await pair.model.currentRevision();
    assert.equal((await pair.storage.currentRevision()) - base, newest);
  }
  watches.push(sameEvents(sides, pair.root, 0, stop.signal));
  // Every watch ends at a last write that each of them sees.
  stopAt.set(stop.signal, newest + 1);
  await sameAnswers(sides, [LAST_STEP], newest);
  await Promise.all(watches);
  stop.abort();
}

const LAST_STEP: Step = {
  kind: 'put',
  key: 'last',
  expect: 'absent',
  size: 0,
  ttlSeconds: undefined,
};

/** The revision at which the watches of a schedule end, once it is known. */
const stopAt = new WeakMap<AbortSignal, number>();

async function sameAnswers(
  sides: readonly Side[],
  steps: readonly Step[],
  newest: number,
): Promise<void> {
  const [real, model] = await Promise.all(
    sides.map((side) => Promise.all(steps.map((step) => side.call(step, newest)))),
  );
  assert.deepEqual(real, model, JSON.stringify(steps));
}

/** One of the two, with its revisions made comparable. */
class Side {
  readonly storage: Storage;
  readonly #root: string;
  readonly base: number;

  constructor(storage: Storage, root: string, base: number) {
    this.storage = storage;
    this.#root = root;
    this.base = base;
  }

  /** The answer as text; errors by name. */
  async call(step: Step, newest: number): Promise<unknown> {
    try {
      return await this.#answer(step, newest);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      return `compacted at ${error.compactRevision - this.base}`;
    }
  }

  async #answer(step: Step, newest: number): Promise<unknown> {
    const { storage, base } = this;
    switch (step.kind) {
      case 'put': {
        const { ttlSeconds } = step;
        const expected = await this.#expected(step.key, step.expect);
        const value = bytes(`${step.key}-${newest}`.repeat(step.size));
        const options = ttlSeconds === undefined ? {} : { ttlSeconds };
        return this.#written(await storage.put(this.#root + step.key, value, expected, options));
      }
      case 'delete': {
        const expected = await this.#expected(step.key, step.expect);
        return this.#written(await storage.delete(this.#root + step.key, expected));
      }
      case 'get':
        return this.#kv((await storage.get(this.#root + step.key)).kv);
      case 'list': {
        const { limit, startAfter, back: before } = step;
        const revision = before === undefined ? undefined : base + Math.max(0, newest - before);
        const result = await storage.list(this.#root + step.prefix, {
          ...(limit === undefined ? {} : { limit }),
          ...(startAfter === undefined ? {} : { startAfter: this.#root + startAfter }),
          ...(revision === undefined || revision === base ? {} : { revision }),
        });
        return this.#listed(result, revision !== undefined && revision !== base);
      }
      case 'compact':
        return await storage.compact(base + Math.max(0, newest - step.back));
      case 'watch':
      case 'elapse':
        throw new Error(`A ${step.kind} is no call`);
    }
  }

  async #expected(name: string, expectation: Expectation): Promise<number> {
    if (expectation === 'absent') return 0;
    if (expectation === 'wrong') return this.base + 1_000_000;
    return (await this.storage.get(this.#root + name)).kv?.modRevision ?? 0;
  }

  #written(result: WriteResult): unknown {
    if (result.kind === 'ok') return `ok ${result.revision - this.base}`;
    return `conflict ${this.#kv(result.current)}`;
  }

  #listed(result: ListResult, isAtRevision: boolean): unknown {
    const { kvs, more, remaining } = result;
    // Within a burst the newest revision depends on what has been written already.
    const revision = isAtRevision ? result.revision - this.base : 'newest';
    return { revision, kvs: kvs.map((kv) => this.#kv(kv)), more, remaining };
  }

  #kv(kv: GetResult['kv']): string {
    if (kv === undefined) return 'nothing';
    const [created, modified] = [kv.createRevision - this.base, kv.modRevision - this.base];
    return `${kv.key}=${text(kv.value)}@${created}:${modified}`;
  }
}

/** Watches both until the signal's last revision, and compares. */
async function sameEvents(
  sides: readonly Side[],
  watched: string,
  after: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TEST_DEADLINE_MS)]);
  const follow = async ({ storage, base }: Side): Promise<unknown> => {
    const events: string[] = [];
    try {
      for await (const batch of storage.watch(watched, base + after, deadline)) {
        for (const event of batch.events) {
          const { kv, previous } = event;
          events.push(
            describeEvent({ ...event, kv: shift(kv, base), previous: shift(previous, base) }),
          );
        }
        if (batch.revision - base >= (stopAt.get(signal) ?? Number.POSITIVE_INFINITY)) break;
      }
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      return 'compacted';
    }
    return events;
  };
  const [real, model] = await Promise.all(sides.map(follow));
  // A store may still remember what the model has forgotten; the model then can't say what is right.
  if (model !== 'compacted') assert.deepEqual(real, model);
}

function shift<T extends GetResult['kv']>(kv: T, base: number): T {
  if (kv === undefined) return kv;
  const createRevision = kv.createRevision - base;
  return { ...kv, createRevision, modRevision: kv.modRevision - base };
}
