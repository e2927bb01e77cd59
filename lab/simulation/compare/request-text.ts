/** What a pod asks for, and what nodes have, in words: `8 cpu, 16 GiB memory, 0.46 GPU`. */

import type { PodClassInfo, ResourceInfo } from '../result/run-result.ts';

const GIB = 2 ** 30;

export function requestText(
  { requests, gpu }: PodClassInfo,
  resources: readonly ResourceInfo[],
): string {
  const parts = resources.flatMap((resource, i) => {
    const amount = requests[i] ?? 0;
    // GPUs are told below, with how many of them are shared.
    if (amount === 0 || (gpu.count > 0 && resource.name.includes('gpu'))) return [];
    return [`${amountText(amount, resource)} ${resource.name}`];
  });
  if (gpu.count > 0) parts.push(`${(gpu.count * gpu.milli) / 1000} GPU`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

export function amountText(amount: number, { unit }: ResourceInfo): string {
  switch (unit) {
    case 'milli':
      return String(amount / 1000);
    case 'bytes':
      return `${Number((amount / GIB).toPrecision(3))} GiB`;
    case 'units':
      return String(amount);
  }
}
