/** Entry point of the verbs on objects: get, apply, describe, delete, logs, exec, run and others. */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { runCli } = await import('./commands/program.ts');

process.exitCode = await runCli(process.argv, process.env);
