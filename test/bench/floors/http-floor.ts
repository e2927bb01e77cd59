/**
 * The floor of the API server on the embedded store: a bare HTTP server, a process of its own, that
 * parses the same JSON and commits it to SQLite in groups. Starts it, and creates pods on it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { type Load, type LoadResult, measureLoad } from './in-flight.ts';
import { podBody } from './pod-body.ts';

const SERVER = path.join(import.meta.dirname, 'http-floor-server.ts');

/** Creates pods, each over a connection that is kept open. */
export async function measureHttpFloor(load: Load): Promise<LoadResult> {
  const server = spawn(process.execPath, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const agent = new Agent({ keepAlive: true, maxSockets: load.inFlight });
  try {
    const port = await portOf(server);
    return await measureLoad(load, (index) => post(agent, port, podBody(`pod-${index}`)));
  } finally {
    agent.destroy();
    const exit = once(server, 'exit');
    server.stdin?.end();
    await exit;
  }
}

async function portOf(server: ChildProcess): Promise<number> {
  if (server.stdout === null) throw new Error('The floor has no output');
  const [line] = await once(server.stdout, 'data');
  return Number(String(line));
}

function post(agent: Agent, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request({ agent, port, method: 'POST', path: '/', headers }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
