/** The specs of the CRI, against our runtime and against Debian's containerd as the reference. */

import { criConformance } from '../../conformance/cri/conformance.ts';
import { ContainerdNode, containerdIsNotHere } from '../../support/containerd-node.ts';
import { IMAGE, startSkiff } from '../../support/skiff-runtime.ts';

criConformance(
  'skiff',
  async () => {
    const { node, client, pods } = await startSkiff();
    return { client, pods, image: IMAGE, folder: node.folder, close: () => node.close() };
  },
  { skip: false },
);

criConformance(
  'containerd',
  async () => {
    const node = new ContainerdNode(IMAGE);
    await node.start();
    return node;
  },
  {
    skip: containerdIsNotHere(),
    except: {
      'stops and removes what is not there, or was stopped before':
        'containerd 1.6 fails for an unknown sandbox',
      'stops and removes what is not there, has ended, or was never started':
        'containerd 1.6 fails for an unknown container',
      'keeps no more of the output than fits, and still lets the command end':
        'containerd 1.6 bounds nothing (CVE-2022-31030)',
      'finds an image by name and by id, and lists it once':
        'containerd 1.6 does not filter its list of images',
      'answers with nothing for an image that is not there':
        'containerd 1.6 does not filter its list of images',
      'does not wait for what a command has left behind': 'containerd 1.6 waits without end',
    },
  },
);
