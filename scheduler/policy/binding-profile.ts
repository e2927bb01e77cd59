/**
 * What the scheduler's own thread does of a policy's profile: the default plugins that the policy
 * keeps, to check its decision and to bind; and of the policy's own plugins their part in binding, by
 * message to its thread.
 */

import type { ConfiguredPlugin } from '../framework/plugin.ts';
import { failed, type Status } from '../framework/status.ts';
import type { PolicyPlugin } from './policy.ts';
import { composeProfile } from './policy-profile.ts';
import type { BindingPoint, OwnPlugin, PolicyFacts } from './worker/messages.ts';
import type { PolicyWorker } from './worker/policy-worker.ts';

type Thread = Pick<PolicyWorker, 'call' | 'over'> & {
  /** Milliseconds that a pod waits at an own Permit plugin at most; undefined: it doesn't. */
  readonly waitsMs: (uid: string, plugin: string) => number | undefined;
};

/** Name of the plugin that tells the policy's thread when a pod's cycle is over. */
export const POLICY_PLUGIN = 'Policy';

export function bindingProfile(
  facts: PolicyFacts,
  defaults: readonly ConfiguredPlugin[],
  thread: Thread,
): readonly ConfiguredPlugin[] {
  const own = facts.ownPlugins.flatMap((plugin) => remotePart(plugin, thread));
  return composeProfile(facts, defaults, [...own, cycleEnd(thread)]);
}

/** Reserve and Permit were asked with the decision; what a thread that is gone can't do fails. */
function remotePart({ name, points }: OwnPlugin, thread: Thread): readonly PolicyPlugin[] {
  const call = async (point: BindingPoint, uid: string): Promise<Status | undefined> => {
    try {
      return await thread.call(name, point, uid);
    } catch (error) {
      return failed(error);
    }
  };
  const preBind: PolicyPlugin['preBind'] = (_state, { pod }) => call('preBind', pod.metadata.uid);
  const bind: PolicyPlugin['bind'] = (_state, { pod }) => call('bind', pod.metadata.uid);
  const permit: PolicyPlugin['permit'] = (_state, { pod }) => {
    const timeoutMs = thread.waitsMs(pod.metadata.uid, name);
    return timeoutMs === undefined ? {} : { status: { code: 'Wait', reasons: [] }, timeoutMs };
  };
  const part: PolicyPlugin = {
    name,
    ...(points.includes('permit') ? { permit } : {}),
    ...(points.includes('preBind') ? { preBind } : {}),
    ...(points.includes('bind') ? { bind } : {}),
  };
  return Object.keys(part).length === 1 ? [] : [part];
}

function cycleEnd(thread: Thread): PolicyPlugin {
  return {
    name: POLICY_PLUGIN,
    reserve: () => undefined,
    unreserve: (_state, { pod }) => thread.over('unreserve', pod.metadata.uid),
    postBind: (_state, { pod }) => thread.over('postBind', pod.metadata.uid),
  };
}
