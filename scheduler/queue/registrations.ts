/** What may help the pods that each plugin has turned down, by the plugin's name. */

import { EXTENDER } from '../extenders/decide-with-extenders.ts';
import type { EventRegistration } from '../framework/cluster-event.ts';
import type { Framework } from '../framework/framework.ts';

const ANYTHING: readonly EventRegistration[] = [{ kind: 'Any' }];

/** Of a plugin that says nothing of it, and of extenders, nobody knows: then anything may. */
export function registrationsOf(
  frameworks: readonly Framework[],
): ReadonlyMap<string, readonly EventRegistration[]> {
  const registrations = new Map([[EXTENDER, ANYTHING]]);
  for (const { plugins } of frameworks) {
    for (const { name, events = ANYTHING } of plugins) registrations.set(name, events);
  }
  return registrations;
}
