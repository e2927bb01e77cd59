/**
 * The spawner process: parent of every container of one node. It is started by the CRI server when none
 * answers (launch.ts), outlives it, and ends when it is told to shut down. SIGTERM ends it only while no
 * container runs.
 */

import { enableCompileCache, flushCompileCache } from 'node:module';

enableCompileCache();

import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../../base/clock.ts';
import { parsedOrUsage } from '../../../base/flags.ts';
import { newLogger } from '../../../base/logger.ts';
import { Cgroups } from '../cgroup/cgroups.ts';
import { setOomScore } from '../container/run-program.ts';
import { flock, prctl } from '../syscalls/libc.ts';
import { LOCK_EX_NB, PR_SET_CHILD_SUBREAPER } from '../syscalls/linux.ts';
import { NanoClock } from './nano-clock.ts';
import { ProcessSpawner } from './process-spawner.ts';
import { SOCKET_NAME } from './protocol.ts';
import { Reaper } from './reaper.ts';
import { SpawnerServer } from './server.ts';
import { Spawner } from './spawner.ts';

/** As low as one may go without being exempt. */
const OOM_SCORE = -999;

const { values } = parsedOrUsage('spawner', () =>
  parseArgs({ options: { 'run-dir': { type: 'string' } } }),
);
const runDir = values['run-dir'];
if (runDir === undefined || !path.isAbsolute(runDir)) {
  process.stderr.write('spawner: --run-dir needs an absolute path\n');
  process.exit(2);
}
process.umask(0o077);
process.chdir('/');
process.title = 'skiff-spawner';
mkdirSync(runDir, { recursive: true, mode: 0o700 });
const lock = openSync(path.join(runDir, 'spawner.lock'), 'a', 0o600);
// Another one has it: whoever started this one connects to that.
if (!flock(lock, LOCK_EX_NB)) process.exit(0);
prctl(PR_SET_CHILD_SUBREAPER, 1);
// Without it all containers lose their streams; each of them is given its own score again.
setOomScore(OOM_SCORE);

const clock = systemClock;
const write = (line: string): void => void process.stderr.write(line);
const logger = newLogger({ component: 'spawner', level: 'info', clock, write });
const stop = new AbortController();
const spawner = new Spawner({
  runDir,
  clock,
  nanoClock: new NanoClock(clock),
  logger,
  cgroups: new Cgroups(clock),
  spawner: new ProcessSpawner(new Reaper(), clock, logger),
  emit: (event) => server.emit(event),
});
const server: SpawnerServer = new SpawnerServer(spawner, clock, logger);
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    const running = spawner.states().filter(({ state }) => state === 'running').length;
    if (running === 0) stop.abort();
    else logger.warn('Refused to end while containers run', { signal: name, running });
  });
}
// Its end would cost every container its parent; a failure that nobody has caught costs less.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => logger.error('Went on after a failure', { event, error }));
}
try {
  await spawner.restore();
  // Now, and not when this ends, which may be in weeks or by a signal.
  flushCompileCache();
  await server.run(path.join(runDir, SOCKET_NAME), stop.signal);
} catch (error) {
  logger.error('Ended with a failure', { error });
  process.exit(1);
}
closeSync(lock);
process.exit(0);
