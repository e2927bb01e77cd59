/** Debian's docker-registry, run by a test at a free loopback port or in a network namespace it made. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { eventually } from './eventually.ts';

export interface DockerRegistryOptions {
  /** Its data, configuration and log; the caller removes it. */
  readonly folder: string;
  /** Where it listens; needs `port` when it is not this machine's own. Default: a free loopback port. */
  readonly place?: { readonly netns: string; readonly address: string; readonly port: number };
  /** Whoever pulls must log in with this. */
  readonly login?: { readonly username: string; readonly password: string };
}

export class DockerRegistry {
  readonly host: string;
  readonly #process: ChildProcess;
  readonly #options: DockerRegistryOptions;

  private constructor(host: string, process: ChildProcess, options: DockerRegistryOptions) {
    this.host = host;
    this.#process = process;
    this.#options = options;
  }

  /** Resolves when it answers. */
  static async start(options: DockerRegistryOptions): Promise<DockerRegistry> {
    const { folder, place, login } = options;
    mkdirSync(folder, { recursive: true });
    const host = place === undefined ? `127.0.0.1:${await freePort()}` : hostOf(place);
    const config = path.join(folder, 'config.json');
    const passwords = path.join(folder, 'htpasswd');
    if (login !== undefined) {
      const args = ['-Bbn', login.username, login.password];
      writeFileSync(passwords, execFileSync('htpasswd', args));
    }
    const auth =
      login === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: passwords } } };
    const storage = { filesystem: { rootdirectory: path.join(folder, 'data') } };
    const http = { addr: host, secret: 'test' };
    writeFileSync(config, JSON.stringify({ version: '0.1', storage, http, ...auth }));
    const log = openSync(path.join(folder, 'log'), 'a');
    const enter = enterOf(options);
    const [command = '', ...args] = [...enter, 'docker-registry', 'serve', config];
    const child = spawn(command, args, { stdio: ['ignore', log, log] });
    const registry = new DockerRegistry(host, child, options);
    await eventually('the registry answers', async () => {
      assert.equal(child.exitCode, null, readFileSync(path.join(folder, 'log'), 'utf8'));
      const [curl = '', ...curlArgs] = [...enter, ...CURL, `http://${host}/v2/`];
      execFileSync(curl, curlArgs);
    });
    return registry;
  }

  /** Copies an image as skopeo names it (`oci:LAYOUT:TAG`, `docker-archive:FILE`) to `NAME:TAG` here. */
  push(source: string, name: string, ...flags: readonly string[]): void {
    const { login } = this.#options;
    const creds =
      login === undefined ? [] : ['--dest-creds', `${login.username}:${login.password}`];
    const [command = '', ...args] = [
      ...enterOf(this.#options),
      ...['skopeo', '--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false'],
      ...[...creds, ...flags, source, `docker://${this.host}/${name}`],
    ];
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }
}

/** 401 is an answer, too. */
const CURL = ['curl', '--silent', '--output', '/dev/null', '--max-time', '5'];

function enterOf({ place }: DockerRegistryOptions): readonly string[] {
  return place === undefined ? [] : ['nsenter', `--net=/run/netns/${place.netns}`, '--'];
}

function hostOf({ address, port }: NonNullable<DockerRegistryOptions['place']>): string {
  return `${address}:${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  server.close();
  await once(server, 'close');
  return address.port;
}
