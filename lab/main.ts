/** Entry point of the commands on labs: up, down, status, doctor, kubeconfig, image. */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { runLabCommand } = await import('./commands/commands.ts');

process.exitCode = await runLabCommand(process.argv, process.env);
