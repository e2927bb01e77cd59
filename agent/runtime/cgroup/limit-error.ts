/** A limit that the kernel has refused. */

import path from 'node:path';
import type { CgroupWrite } from './limits-plan.ts';

/** More is used than the limit would let; or processes are where a group of v2 may have none. */
const BUSY: readonly unknown[] = ['EBUSY', 'EAGAIN'];

export class LimitError extends Error {
  /** Another time the same may be fine; else it is wrong for this machine. */
  readonly isBusy: boolean;

  constructor({ file, value }: CgroupWrite, options: { readonly cause: unknown }) {
    const { cause } = options;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const isBusy = BUSY.includes(code);
    const reason =
      code === 'ENOENT' ? 'this machine does not have it' : isBusy ? 'more is in use' : code;
    super(
      `Could not set ${path.basename(file)} to "${value}": ${String(reason ?? cause)}`,
      options,
    );
    this.name = 'LimitError';
    this.isBusy = isBusy;
  }
}
