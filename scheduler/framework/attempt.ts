/** Calls of plugins: what one throws becomes a status, and each status says whose it is. */

import type { Plugin } from './plugin.ts';
import { failed, type Status } from './status.ts';

export function attempt(plugin: Plugin, call: () => Status | undefined): Status | undefined {
  try {
    const status = call();
    return status === undefined ? undefined : { ...status, plugin: plugin.name };
  } catch (error) {
    return { ...failed(error), plugin: plugin.name };
  }
}

export function attemptResult<R extends { readonly status?: Status }>(
  plugin: Plugin,
  call: () => R,
): Partial<R> {
  try {
    const result = call();
    if (result.status === undefined) return result;
    return { ...result, status: { ...result.status, plugin: plugin.name } };
  } catch (error) {
    const status: Status = { ...failed(error), plugin: plugin.name };
    return { status } as Partial<R>;
  }
}

export async function attemptAsync(
  plugin: Plugin,
  call: () => Promise<Status | undefined>,
): Promise<Status | undefined> {
  try {
    const status = await call();
    return status === undefined ? undefined : { ...status, plugin: plugin.name };
  } catch (error) {
    return { ...failed(error), plugin: plugin.name };
  }
}
