/** All controllers over one set of informers. */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import { type ControllerContext, newSharedInformers, runInformers } from './context.ts';
import type { Runnable } from './controller.ts';
import { newDeploymentController } from './deployment/deployment-controller.ts';
import { Discovery } from './discovery.ts';
import { newDisruptionController } from './disruption/disruption-controller.ts';
import { newEndpointSliceController } from './endpoint-slice/endpoint-slice-controller.ts';
import { newEndpointsController } from './endpoints/endpoints-controller.ts';
import { newGarbageCollector } from './garbage-collector/garbage-collector.ts';
import { newNamespaceController } from './namespace/namespace-controller.ts';
import { newNodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.ts';
import { newTaintEvictionController } from './node-lifecycle/taint-eviction-controller.ts';
import { newPodGarbageCollector } from './pod-garbage-collector/pod-garbage-collector.ts';
import { newReplicaSetController } from './replica-set/replica-set-controller.ts';
import { newRootCaController } from './root-ca/root-ca-controller.ts';
import { newServiceAccountController } from './service-account/service-account-controller.ts';

export interface RunControllersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** PEM: what `kube-root-ca.crt` holds. */
  readonly rootCa: string;
  /** How long a node's agent may be silent. */
  readonly nodeGraceMs: number;
}

/** Returns when the signal is aborted and all have ended. */
export async function runControllers(
  options: RunControllersOptions,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, logger } = options;
  const informers = newSharedInformers({ client, clock, logger });
  const recorders = new Map<string, EventRecorder>();
  const recorderOf = (component: string): EventRecorder => {
    const known = recorders.get(component);
    if (known !== undefined) return known;
    const recorder = new EventRecorder({ client, clock, logger, component });
    recorders.set(component, recorder);
    return recorder;
  };
  const context: ControllerContext = { client, clock, logger, informers, recorderOf };
  const discovery = new Discovery({ client, clock });
  const controllers: readonly Runnable[] = [
    newServiceAccountController(context),
    newRootCaController(context, options.rootCa),
    newDeploymentController(context),
    newReplicaSetController(context),
    newNamespaceController(context, discovery),
    newGarbageCollector(context, discovery),
    newNodeLifecycleController(context, options.nodeGraceMs),
    newTaintEvictionController(context),
    newPodGarbageCollector(context),
    newEndpointsController(context),
    newEndpointSliceController(context),
    newDisruptionController(context),
  ];
  await Promise.all([
    runInformers(informers, signal),
    ...controllers.map((controller) => controller.run(signal)),
  ]);
  await Promise.all([...recorders.values()].map((recorder) => recorder.close()));
}
