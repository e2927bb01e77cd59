/** PortForward: not implemented yet. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { Rpc } from './rpc.ts';

export const portForward: Rpc<'PortForward'> = async () => {
  throw new CriError('UNIMPLEMENTED', 'not implemented: PortForward');
};
