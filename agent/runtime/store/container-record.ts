/**
 * What is remembered of a container, and the rules of its states. Pure.
 *
 *   creating -> created -> starting -> running -> exited
 *
 * `creating` is not shown to clients: a container that a crash left in it is taken apart again.
 * `starting` is written before the spawner is asked, so that after a crash it is known that the
 * process may exist: the container is never started a second time.
 */

import type {
  ContainerMetadata,
  ContainerState,
  ImageSpec,
  LinuxContainerResources,
  Mount,
  PodSandboxMetadata,
  StringMap,
} from '../../../proto/cri/types.ts';
import type { ProcessSpec } from '../container/spec.ts';

export type ContainerPhase = 'creating' | 'created' | 'starting' | 'running' | 'exited';

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  /** As given. */
  readonly image: ImageSpec | null;
  /** `sha256:…` */
  readonly imageId: string;
  /** A tag of the image when it has one: what people want to read. */
  readonly imageName: string;
  /** `name@sha256:…` when the image has one, else its id. */
  readonly imageRef: string;
  /** As given: what the runtime adds is not listed. */
  readonly mounts: readonly Mount[];
  readonly resources: LinuxContainerResources | null;
  /** Relative to the mount of each hierarchy. */
  readonly cgroupPath: string;
  /** Absolute; empty when there is no log. */
  readonly logPath: string;
  readonly user: ContainerUser;
  /** What its first process was given; processes executed later get the same. */
  readonly process: ProcessSpec;
  /** `SIGTERM` and so on. */
  readonly stopSignal: string;
  /** As given, `SIGNAL_SIGTERM` and so on. */
  readonly criStopSignal: string;
  readonly isStdinOpen: boolean;
  readonly isStdinOnce: boolean;
  readonly isTty: boolean;
  readonly phase: ContainerPhase;
  readonly createdAtNs: string;
  readonly startedAtNs: string;
  readonly finishedAtNs: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

export interface Exit {
  readonly exitCode: number;
  readonly finishedAtNs: string;
  readonly isOomKilled: boolean;
}

/** A process that could not be started: what the kubelet shows as its reason. */
const START_ERROR_EXIT_CODE = 128;
/** The exit of a process that nobody saw. */
const UNKNOWN_EXIT_CODE = 255;

/** A name that may be reserved once in a runtime. */
export function containerName(metadata: ContainerMetadata, pod: PodSandboxMetadata): string {
  return [metadata.name, pod.name, pod.namespace, pod.uid, metadata.attempt].join('_');
}

export function containerState(phase: ContainerPhase): ContainerState {
  switch (phase) {
    case 'creating':
    case 'created':
    case 'starting':
      return 'CONTAINER_CREATED';
    case 'running':
      return 'CONTAINER_RUNNING';
    case 'exited':
      return 'CONTAINER_EXITED';
  }
}

/** Does nothing to a record that has ended already: the first exit that is seen counts. */
export function exited(record: ContainerRecord, exit: Exit): ContainerRecord {
  if (record.phase === 'exited') return record;
  const { exitCode, finishedAtNs } = exit;
  const reason = exit.isOomKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
  return { ...record, phase: 'exited', exitCode, finishedAtNs, reason };
}

export function failedToStart(
  record: ContainerRecord,
  message: string,
  nowNs: string,
): ContainerRecord {
  return {
    ...record,
    phase: 'exited',
    exitCode: START_ERROR_EXIT_CODE,
    startedAtNs: record.startedAtNs === '0' ? nowNs : record.startedAtNs,
    finishedAtNs: nowNs,
    reason: 'StartError',
    message,
  };
}

/** The process is gone and so is whoever knew how it ended. */
export function lost(record: ContainerRecord, nowNs: string): ContainerRecord {
  const exit = { exitCode: UNKNOWN_EXIT_CODE, finishedAtNs: nowNs, isOomKilled: false };
  return { ...exited(record, exit), reason: 'Unknown' };
}

/** Checks a record that was read from disk; undefined when it is none. */
export function parseContainerRecord(value: unknown): ContainerRecord | undefined {
  const record = value as Partial<ContainerRecord> | null;
  const isRecord =
    typeof record?.id === 'string' &&
    typeof record.sandboxId === 'string' &&
    typeof record.metadata?.name === 'string' &&
    typeof record.phase === 'string';
  // Written by this program only; the check is for torn or foreign files.
  return isRecord ? (record as ContainerRecord) : undefined;
}
