/**
 * Prefers nodes that have the pod's images, the larger the better; an image that few nodes have
 * counts less, so that not all pods run after it.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/imagelocality, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { StateKey } from '../framework/cycle-state.ts';
import { type Plugin, SCORE_MAX } from '../framework/plugin.ts';

const MIB = 1024 * 1024;
/** Below this an image is pulled in no time. */
const BYTES_MIN = 23 * MIB;
/** What one container's images count at most. */
const BYTES_PER_CONTAINER_MAX = 1000 * MIB;

/** How many nodes have each of the pod's images. */
interface Spread {
  readonly total: number;
  readonly nodesWith: ReadonlyMap<string, number>;
}
const SPREAD: StateKey<Spread> = { name: 'ImageLocality' };

/** Since 1.36 the images that are mounted as volumes count too. */
export function newImageLocality({ countsVolumes = true } = {}): Plugin {
  return {
    name: 'ImageLocality',
    signPod: ({ pod }) => signImages(pod, countsVolumes),
    // How many nodes there are, and which have an image.
    sharedVersion: ({ imagesVersion }) => imagesVersion,
    preFilter: (state, { pod }, snapshot) => {
      state.write(SPREAD, spreadOf(imagesOf(pod, countsVolumes), snapshot));
      return {};
    },
    score: (state, { pod }, node) => {
      const spread = state.read(SPREAD);
      let bytes = 0;
      for (const image of imagesOf(pod, countsVolumes)) {
        const size = node.imageSizes.get(image);
        const nodes = spread?.nodesWith.get(image) ?? 0;
        if (size !== undefined) bytes += Math.trunc((size * nodes) / (spread?.total ?? 1));
      }
      const { containers, initContainers = [] } = pod.spec;
      const max = BYTES_PER_CONTAINER_MAX * (containers.length + initContainers.length);
      const clamped = Math.min(Math.max(bytes, BYTES_MIN), max);
      return Math.trunc((SCORE_MAX * (clamped - BYTES_MIN)) / (max - BYTES_MIN));
    },
  };
}

export const imageLocality: Plugin = newImageLocality();

function signImages(pod: Pod, countsVolumes: boolean): string {
  const { containers, initContainers = [] } = pod.spec;
  const images = imagesOf(pod, countsVolumes).join(' ');
  return `${containers.length + initContainers.length} ${images}`;
}

function spreadOf(images: readonly string[], snapshot: Snapshot): Spread {
  const nodesWith = new Map<string, number>();
  for (const image of new Set(images)) {
    nodesWith.set(image, snapshot.nodesWithImage(image));
  }
  return { total: snapshot.nodes.length, nodesWith };
}

/** One for each container, and each volume that is an image. */
function imagesOf({ spec }: Pod, countsVolumes: boolean): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const images = containers.map(({ image = '' }) => withTag(image));
  for (const volume of countsVolumes ? (spec.volumes ?? []) : []) {
    if (volume.image !== undefined) images.push(withTag(volume.image.reference ?? ''));
  }
  return images;
}

/** A name without a tag or digest is its `latest`. */
function withTag(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  return last.includes(':') ? image : `${image}:latest`;
}
