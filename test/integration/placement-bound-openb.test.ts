/**
 * The bound of the openb trace, that no policy of the published table can exceed: 97.24 % of the GPUs when
 * as many GPUs have been asked for as there are, all of them at 130 %. Needs the files of the trace.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  gpuWorth,
  type NodeKind,
  type PodClass,
  placementBound,
} from '../../lab/simulation/bounds/placement-bound.ts';
import { seededRandom } from '../../scheduler/seeded-random.ts';

const FOLDER = '../shared/data/openb';
const skip = existsSync(FOLDER) ? false : `the openb trace is not in ${FOLDER}`;

describe('placementBound of openb', { skip }, () => {
  const rowsOf = (name: string): readonly Readonly<Record<string, string>>[] => {
    const [head = '', ...lines] = readFileSync(`${FOLDER}/${name}`, 'utf8').trim().split('\n');
    const names = head.split(',');
    return lines.map((line) => {
      const cells = line.split(',');
      return Object.fromEntries(names.map((column, i) => [column, cells[i] ?? '']));
    });
  };

  const nodes = (): readonly NodeKind[] => {
    const rows = rowsOf('openb_node_list_gpu_node.csv');
    const groups = Map.groupBy(rows, (r) => [r.cpu_milli, r.memory_mib, r.gpu, r.model].join());
    return [...groups.values()].map((group) => ({
      count: group.length,
      capacity: { cpu: Number(group[0]?.cpu_milli), memory: Number(group[0]?.memory_mib) },
      gpus: Number(group[0]?.gpu),
      labels: { model: group[0]?.model ?? '' },
    }));
  };

  /** Shuffled, then drawn again, until as much is asked for; grouped. */
  const arrivals = (part: number, total: number, seed: number): readonly PodClass[] => {
    const rows = rowsOf('openb_pod_list_default.csv');
    const random = seededRandom(seed);
    const order = [...rows];
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = Math.floor(random() * (i + 1));
      const [a, b] = [order[i], order[j]];
      if (a !== undefined && b !== undefined) [order[i], order[j]] = [b, a];
    }
    const arrived: (typeof rows)[number][] = [];
    let gpus = 0;
    for (let i = 0; ; i += 1) {
      const pod = order[i] ?? rows[Math.floor(random() * rows.length)];
      assert.ok(pod !== undefined);
      gpus += (Number(pod.num_gpu) * Number(pod.gpu_milli)) / 1000;
      if (gpus > total * part) break;
      arrived.push(pod);
    }
    const keyOf = (r: (typeof rows)[number]): string =>
      [r.cpu_milli, r.memory_mib, r.num_gpu, r.gpu_milli, r.gpu_spec].join();
    return [...Map.groupBy(arrived, keyOf).values()].map((group) => ({
      count: group.length,
      requests: { cpu: Number(group[0]?.cpu_milli), memory: Number(group[0]?.memory_mib) },
      gpu: { count: Number(group[0]?.num_gpu), milli: Number(group[0]?.gpu_milli) },
      mayUse: ({ labels }) =>
        group[0]?.gpu_spec === '' ||
        group[0]?.gpu_spec?.split('|').includes(labels.model ?? '') === true,
    }));
  };

  it('is 97.2 % of the GPUs at 100 % of arrivals, and all at 130 %', async () => {
    const kinds = nodes();
    const total = kinds.reduce((sum, { count, gpus }) => sum + count * gpus, 0);
    assert.equal(total, 6212);
    const percent = async (part: number, seed: number): Promise<number> =>
      (100 * (await placementBound(kinds, arrivals(part, total, seed), gpuWorth)).bound) / total;
    const bounds = [await percent(1, 42), await percent(1, 43)];
    for (const bound of bounds) assert.ok(Math.abs(bound - 97.24) < 0.3, `${bound}`);
    assert.ok((await percent(1.3, 42)) > 99.9);
  });
});
