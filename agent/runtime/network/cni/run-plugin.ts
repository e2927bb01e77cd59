/**
 * Runs one CNI plugin: a program that is told what to do by its environment and its standard input, and
 * answers on its standard output.
 *
 * Source: CNI specification 1.1.0, section 2 and 5.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../../../base/clock.ts';

export interface PluginCall {
  readonly command: 'ADD' | 'DEL';
  readonly containerId: string;
  /** Empty when it is gone. */
  readonly netns: string;
  readonly interfaceName: string;
  /** `K8S_POD_NAME=…` and the like. */
  readonly args: readonly (readonly [name: string, value: string])[];
}

/** The end of an ADD, as it is handed from plugin to plugin. */
export interface CniResult {
  readonly cniVersion?: string;
  readonly ips?: readonly { readonly address: string }[];
  readonly [field: string]: unknown;
}

/** Plugins wait for locks of iptables and the like; the kubelet gives up after four minutes. */
const TIMEOUT_MS = 120_000;
/** Results are small; what prints more is broken. */
const OUTPUT_CHARACTERS_MAX = 1_000_000;

/** Where plugins find iptables and the like. */
const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface PluginRunner {
  /** Throws with the folders it is not in. */
  assertThere(type: string): void;
  /** Returns what the plugin answers, if it does; throws with what it says is wrong. */
  run(type: string, call: PluginCall, config: object): Promise<CniResult | undefined>;
}

/** `folders`: where plugins are looked for, the first one first. */
export function newPluginRunner(folders: readonly string[], clock: Clock): PluginRunner {
  const find = (type: string): string => {
    const file = folders.map((folder) => path.join(folder, type)).find((one) => existsSync(one));
    if (file !== undefined) return file;
    throw new Error(`CNI plugin "${type}" is not in ${folders.join(' or ')}`);
  };
  return {
    assertThere: find,
    async run(type, call, config) {
      const ended = await runProgram(find(type), call, folders, JSON.stringify(config), clock);
      if (ended.code !== 0) throw new Error(`CNI plugin "${type}" failed: ${failure(ended)}`);
      const { stdout } = ended;
      return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as CniResult);
    },
  };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(
  file: string,
  call: PluginCall,
  folders: readonly string[],
  input: string,
  clock: Clock,
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const env = {
    PATH: PROGRAM_PATH,
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: call.interfaceName,
    CNI_ARGS: call.args.map(([name, value]) => `${name}=${value}`).join(';'),
    CNI_PATH: folders.join(':'),
  };
  const child = spawn(file, { env, stdio: 'pipe' });
  const cancel = clock.schedule(TIMEOUT_MS, () => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  const cut = (text: string): string => text.slice(0, OUTPUT_CHARACTERS_MAX);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = cut(stdout + text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = cut(stderr + text);
  });
  // The pipe breaks when the plugin ends before it has read all: its exit code says why.
  child.stdin.on('error', () => undefined);
  child.on('error', (cause) => reject(new Error(`Could not run ${file}`, { cause })));
  child.on('close', (code) => {
    cancel();
    resolve({ code, stdout, stderr });
  });
  child.stdin.end(input);
  return promise;
}

/** What the plugin says is wrong: an error object on standard output, if it is a good one. */
function failure({ stdout, stderr, code }: Ended): string {
  try {
    const { msg = '', details = '' } = JSON.parse(stdout) as { msg?: string; details?: string };
    if (msg !== '') return details === '' ? msg : `${msg}: ${details}`;
  } catch {
    // It is none.
  }
  return stderr.trim() || stdout.trim() || `it ended with code ${code}`;
}
