/**
 * The supervisor's process: `node lab/supervisor/main.ts RUN-DIR`. Reads the lab's `lab.json`, ends
 * what an earlier supervisor left running, and keeps the components running until SIGTERM.
 */

import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { runProcess } from '../../base/process-lifetime.ts';
import { readLabSpec, readSupervisorState } from '../cluster/lab-files.ts';
import { processPlan } from '../cluster/process-plan.ts';
import { isAlive } from '../proc.ts';
import { Supervisor } from './supervisor.ts';

enableCompileCache();

const [runDir = ''] = process.argv.slice(2);

await runProcess('supervisor', 'info', async ({ signal, logger }) => {
  const spec = readLabSpec(runDir);
  if (spec === undefined) throw new Error(`"${runDir}" holds no lab`);
  for (const left of readSupervisorState(runDir)?.processes ?? []) {
    if (isAlive(left)) process.kill(left.pid, 'SIGKILL');
  }
  const root = path.join(import.meta.dirname, '..', '..');
  const supervisor = new Supervisor(
    { clock: systemClock, logger },
    {
      processes: processPlan(spec, { node: process.execPath, root }),
      logDir: path.join(spec.dataDir, 'logs'),
      stateFile: path.join(runDir, 'processes.json'),
      env: { ...process.env, SKIFF_LAB: spec.name },
    },
  );
  await supervisor.run(signal);
});
