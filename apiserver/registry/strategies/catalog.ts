/**
 * The kinds that are served. A kind whose controller does not exist yet is left out, so that
 * clients hear at once that there is none, unless objects of it are of use without a controller.
 */

import type { ResourceView } from '../api-definition.ts';
import type { Strategy } from '../strategy.ts';
import { configMapStrategy } from './configmaps.ts';
import { controllerRevisionStrategy } from './controllerrevisions.ts';
import { csiNodeStrategy } from './csinodes.ts';
import { deploymentStrategy } from './deployments.ts';
import { endpointsStrategy } from './endpoints.ts';
import { endpointSliceStrategy } from './endpointslices.ts';
import { eventStrategy } from './events.ts';
import { eventsView } from './events-view.ts';
import { leaseStrategy } from './leases.ts';
import { namespaceStrategy } from './namespaces.ts';
import { nodeStrategy } from './nodes.ts';
import { persistentVolumeClaimStrategy } from './persistentvolumeclaims.ts';
import { persistentVolumeStrategy } from './persistentvolumes.ts';
import { podDisruptionBudgetStrategy } from './poddisruptionbudgets.ts';
import { podGroupStrategy } from './podgroups.ts';
import { podStrategy } from './pods/strategy.ts';
import { priorityClassStrategy } from './priorityclasses.ts';
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
} from './rbac.ts';
import { replicaSetStrategy } from './replicasets.ts';
import { secretStrategy } from './secrets.ts';
import { serviceAccountStrategy } from './serviceaccounts.ts';
import { serviceStrategy } from './services/strategy.ts';
import { storageClassStrategy } from './storageclasses.ts';

export const strategies: readonly Strategy[] = [
  namespaceStrategy,
  nodeStrategy,
  podStrategy,
  configMapStrategy,
  secretStrategy,
  serviceStrategy,
  endpointsStrategy,
  endpointSliceStrategy,
  serviceAccountStrategy,
  eventStrategy,
  leaseStrategy,
  replicaSetStrategy,
  deploymentStrategy,
  controllerRevisionStrategy,
  podDisruptionBudgetStrategy,
  podGroupStrategy,
  priorityClassStrategy,
  persistentVolumeStrategy,
  persistentVolumeClaimStrategy,
  storageClassStrategy,
  csiNodeStrategy,
  roleStrategy,
  roleBindingStrategy,
  clusterRoleStrategy,
  clusterRoleBindingStrategy,
];

export const views: readonly ResourceView[] = [eventsView];
