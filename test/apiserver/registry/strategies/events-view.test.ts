import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventsView } from '../../../../apiserver/registry/strategies/events-view.ts';
import { events, eventsEventsV1 } from '../../../../proto/api/gen/resources.ts';
import { apiObject } from '../../../support/fake-objects.ts';
import { createProblems } from './strategy-cases.ts';

const core = apiObject(events, {
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'Scheduled',
  message: 'Assigned',
  source: { component: 'a' },
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:00:00Z',
  count: 2,
  type: 'Normal',
  reportingComponent: 'default-scheduler',
  reportingInstance: 'one',
  eventTime: '2026-01-01T00:00:00.000000Z',
});

describe('events of events.k8s.io', () => {
  it('are the events of the core group in another shape', () => {
    const shown = eventsView.fromStored(core);
    assert.deepEqual(shown, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: core.metadata,
      regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
      reason: 'Scheduled',
      note: 'Assigned',
      deprecatedSource: { component: 'a' },
      deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
      deprecatedLastTimestamp: '2026-01-01T00:00:00Z',
      deprecatedCount: 2,
      type: 'Normal',
      reportingController: 'default-scheduler',
      reportingInstance: 'one',
      eventTime: '2026-01-01T00:00:00.000000Z',
    });
    assert.deepEqual(eventsView.toStored(shown), core);
  });

  it('have the same cells and their own field labels', () => {
    const { strategy } = eventsView;
    const shown = eventsView.fromStored(core);
    const cells = strategy.cells?.(shown, Date.parse('2026-01-01T00:00:30Z')) ?? [];
    assert.deepEqual(cells.slice(0, 4), ['30s', 'Normal', 'Scheduled', 'pod/p']);
    assert.equal(strategy.selectableFields?.(shown)['regarding.name'], 'p');
  });

  it('must say who reported what and when', () => {
    assert.deepEqual(createProblems(eventsView.strategy, {}), [
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: ',
      'reportingController: Required value',
      'reportingInstance: Required value',
      'action: Required value',
      'reason: Required value',
    ]);
    assert.equal(eventsView.strategy.resource, eventsEventsV1);
  });
});
