/** Every spec of the CRI against one runtime: call it within a test file. */

import { after, before, describe, it } from 'node:test';
import { containerSpecs } from './containers.ts';
import { imageSpecs } from './images.ts';
import { sandboxSpecs } from './sandboxes.ts';
import { securitySpecs } from './security.ts';
import { streamSpecs } from './streams.ts';
import type { CriTarget, Spec } from './target.ts';

export interface ConformanceOptions {
  /** Why the runtime can't be asked here. */
  readonly skip: string | false;
  /** By title: specs that this runtime is known not to keep, and in what way. */
  readonly except?: Readonly<Record<string, string>>;
}

/** Nothing here takes seconds; a runtime that hangs must not hang the rest. */
const SPEC_TIMEOUT_MS = 60_000;

export function criConformance(
  name: string,
  start: () => Promise<CriTarget>,
  options: ConformanceOptions,
): void {
  const { skip, except = {} } = options;
  const spec: Spec = (title, check) =>
    void it(title, { skip: except[title] ?? false, timeout: SPEC_TIMEOUT_MS }, check);
  describe(`the CRI of ${name}`, { skip }, () => {
    let target: CriTarget | undefined;
    const get = (): CriTarget => {
      if (target === undefined) throw new Error('The runtime was not started');
      return target;
    };
    before(async () => {
      target = await start();
    });
    after(() => target?.close());
    describe('sandboxes', () => sandboxSpecs(spec, get));
    describe('containers', () => containerSpecs(spec, get));
    describe('streams', () => streamSpecs(spec, get));
    describe('security', () => securitySpecs(spec, get));
    describe('images', () => imageSpecs(spec, get));
  });
}
