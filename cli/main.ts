/** Entry point of the verbs on objects: get, apply, describe, delete, logs, exec, run and others. */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { ignoreBrokenPipe } = await import('../base/process-lifetime.ts');
const { runCli } = await import('./commands/program.ts');

ignoreBrokenPipe([process.stdout, process.stderr]);
process.exitCode = await runCli(process.argv, process.env);
