/** Only the node that the pod names. Source: upstream plugins/nodename, v1.36. */

import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

export const nodeName: Plugin = {
  name: 'NodeName',
  events: [{ kind: 'NodeAdd' }],
  signPod: ({ pod }) => pod.spec.nodeName ?? '',
  filter: (_state, { pod }, { name }) => {
    const wanted = pod.spec.nodeName ?? '';
    if (wanted === '' || wanted === name) return undefined;
    return unresolvable("node(s) didn't match the requested node name");
  },
};
