/** Entry point of the commands on labs: up, down, status, doctor, kubeconfig, image. */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { ignoreBrokenPipe } = await import('../base/process-lifetime.ts');
const { runLabCommand } = await import('./commands/commands.ts');

ignoreBrokenPipe([process.stdout, process.stderr]);
process.exitCode = await runLabCommand(process.argv, process.env);
