/** Makes `proto/cri/gen/api.json` from api.proto: run `node proto/cri/generator/main.ts`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The part of protobufjs that this uses; proto-loader brings it along. */
interface Protobuf {
  parse(text: string, options: { keepCase: boolean }): { root: { toJSON(): unknown } };
}

const loader = fileURLToPath(import.meta.resolve('@grpc/proto-loader'));
const protobuf: Protobuf = createRequire(loader)('protobufjs');

const folder = path.join(import.meta.dirname, '..');
const text = readFileSync(path.join(folder, 'api.proto'), 'utf8');
const json = protobuf.parse(text, { keepCase: true }).root.toJSON();
writeFileSync(path.join(folder, 'gen/api.json'), `${JSON.stringify(json)}\n`);
