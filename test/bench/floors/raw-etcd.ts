/** The floor of the etcd store: the client library's own transaction, a new key each. */

import { Etcd3 } from 'etcd3';
import type { RawStore } from './raw-sqlite.ts';

export function openRawEtcd(endpoint: string): RawStore {
  const etcd = new Etcd3({ hosts: endpoint });
  return {
    put: async (key, value) => {
      const put = etcd.put(key).value(Buffer.from(value));
      await etcd.if(key, 'Mod', '==', 0).then(put).commit();
    },
    close: () => etcd.close(),
  };
}
