/**
 * How evenly tenants are served: Jain's index, dominant shares, and the shares that dominant resource
 * fairness would give to divisible tasks.
 * Sources: R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness" (DEC TR-301, 1984);
 * A. Ghodsi et al., "Dominant resource fairness" (NSDI 2011), sections 4.1 and 4.2.
 */

import assert from 'node:assert/strict';

/** Amounts by resource name; a name that is missing is 0. */
export type Amounts = Readonly<Record<string, number>>;

export interface Tenant {
  readonly name: string;
  /** What one task takes. */
  readonly taskRequest: Amounts;
  /** How many tasks it has; more are not given. Without it: endless. */
  readonly tasks?: number;
  /** Its weight against the others; 1 without it. */
  readonly weight?: number;
}

export interface FairShare {
  readonly name: string;
  readonly tasks: number;
  /** The largest part (0 to 1) that it holds of any resource. */
  readonly dominantShare: number;
}

/** (Σx)²/(n·Σx²): 1 when all are equal, 1/n when one has everything. Of nothing, or all zeros: 1. */
export function jainIndex(values: readonly number[]): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return squares === 0 ? 1 : (total * total) / (values.length * squares);
}

/** The largest part of any resource of the capacity; resources that the capacity lacks do not count. */
export function dominantShare(used: Amounts, capacity: Amounts): number {
  let share = 0;
  for (const [resource, amount] of Object.entries(used)) {
    const whole = capacity[resource] ?? 0;
    if (whole > 0) share = Math.max(share, amount / whole);
  }
  return share;
}

/**
 * Raises the weighted dominant shares of all tenants together. A tenant stops when it has no more tasks or
 * when a resource that it needs is used up. Exact for divisible tasks; at most a step a tenant.
 */
export function fairShares(tenants: readonly Tenant[], capacity: Amounts): readonly FairShare[] {
  const rows = tenants.map((tenant) => rowOf(tenant, capacity));
  const left = new Map(Object.entries(capacity));
  let active = rows.filter(({ perTask, tasksMax }) => perTask > 0 && tasksMax > 0);
  while (active.length > 0) {
    // Until which common level do all of them go on? Tasks per level: weight / share per task.
    let step = Math.min(...active.map((row) => (row.tasksMax - row.tasks) / row.rate));
    for (const [resource, amount] of left) {
      const flow = active.reduce((sum, row) => sum + row.rate * requestOf(row, resource), 0);
      if (flow > 0) step = Math.min(step, amount / flow);
    }
    assert.ok(Number.isFinite(step), 'an endless tenant needs no resource of the capacity');
    for (const row of active) row.tasks += row.rate * step;
    for (const [resource, amount] of left) {
      const flow = active.reduce((sum, row) => sum + row.rate * requestOf(row, resource), 0);
      left.set(resource, amount - flow * step);
    }
    const isUsedUp = (resource: string): boolean =>
      (left.get(resource) ?? 0) <= (capacity[resource] ?? 0) * ROUNDING;
    const before = active.length;
    active = active.filter(
      (row) =>
        row.tasks < row.tasksMax * (1 - ROUNDING) &&
        !Object.keys(row.tenant.taskRequest).some((r) => requestOf(row, r) > 0 && isUsedUp(r)),
    );
    assert.ok(active.length < before, 'water-filling made no step');
  }
  return rows.map(({ tenant, tasks, perTask }) => ({
    name: tenant.name,
    tasks,
    dominantShare: tasks * perTask,
  }));
}

/** Relative: what is left of a resource after this is what rounding left. */
const ROUNDING = 1e-12;

interface Row {
  readonly tenant: Tenant;
  readonly tasksMax: number;
  /** Dominant share of one task. */
  readonly perTask: number;
  /** Tasks for each unit of the common level. */
  readonly rate: number;
  tasks: number;
}

function rowOf(tenant: Tenant, capacity: Amounts): Row {
  const fits = Object.entries(tenant.taskRequest).every(
    ([resource, amount]) => amount === 0 || (capacity[resource] ?? 0) > 0,
  );
  const perTask = dominantShare(tenant.taskRequest, capacity);
  return {
    tenant,
    tasksMax: fits ? (tenant.tasks ?? Number.POSITIVE_INFINITY) : 0,
    perTask,
    rate: (tenant.weight ?? 1) / perTask,
    tasks: 0,
  };
}

function requestOf(row: Row, resource: string): number {
  return row.tenant.taskRequest[resource] ?? 0;
}
