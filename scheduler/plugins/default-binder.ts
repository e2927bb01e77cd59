/** Binds through `pods/binding`. Source: upstream plugins/defaultbinder, v1.36. */

import type { Client } from '../../client/client.ts';
import type { Binding } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import type { Plugin } from '../framework/plugin.ts';
import { failed } from '../framework/status.ts';

export function newDefaultBinder(client: Pick<Client, 'request'>): Plugin {
  return {
    name: 'DefaultBinder',
    bind: async (_state, { pod }, nodeName, signal) => {
      const { namespace = 'default', name, uid } = pod.metadata;
      const binding: Omit<Binding, 'metadata'> & { metadata: object } = {
        apiVersion: 'v1',
        kind: 'Binding',
        // The uid keeps a pod of the same name, made since, from being bound in its stead.
        metadata: { namespace, name, uid },
        target: { kind: 'Node', name: nodeName },
      };
      const path = resourcePath(pods, { namespace, name, subresource: 'binding' });
      try {
        await client.request('POST', path, binding, {}, signal);
        return undefined;
      } catch (error) {
        return failed(error);
      }
    },
  };
}
