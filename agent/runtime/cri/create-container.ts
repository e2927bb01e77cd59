/** CreateContainer: the image must be present; nothing runs yet. */

import type { Rpc } from './rpc.ts';

export const createContainer: Rpc<'CreateContainer'> = async ({ containers }, request) => ({
  container_id: await containers.create(request),
});
