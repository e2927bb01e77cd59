/**
 * How objects are stored: as the JSON that clients get, without the resourceVersion, which is the
 * store's revision of the key. `kind`, `apiVersion` and `metadata` come first, so that the answer to
 * a write is the stored text with the resourceVersion put in, and nothing is encoded twice.
 */

import { Buffer } from 'node:buffer';
import type { KeyValue } from '../storage/storage.ts';
import type { ApiObject } from './strategy.ts';

const METADATA_START = '"metadata":{';

/** The text to store. The object itself is not changed. */
export function storedText(object: ApiObject): string {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...others } = metadata;
  return JSON.stringify({ kind, apiVersion, metadata: others, ...rest });
}

export function storedBytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** The text that clients get for what is stored at this revision. */
export function textWithRevision(text: string, revision: number): string {
  const at = text.indexOf(METADATA_START) + METADATA_START.length;
  return `${text.slice(0, at)}"resourceVersion":"${revision}",${text.slice(at)}`;
}

/** As {@link textWithRevision}, of the stored bytes. */
export function bytesWithRevision({ value, modRevision }: KeyValue): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const at = bytes.indexOf(METADATA_START) + METADATA_START.length;
  const revision = Buffer.from(`"resourceVersion":"${modRevision}",`);
  return Buffer.concat([bytes.subarray(0, at), revision, bytes.subarray(at)]);
}

/** Throws when the value is no object: the store is broken. */
export function decodeStored(kv: KeyValue): ApiObject {
  const text = Buffer.from(kv.value.buffer, kv.value.byteOffset, kv.value.byteLength).toString();
  try {
    const object = JSON.parse(text) as ApiObject;
    object.metadata.resourceVersion = String(kv.modRevision);
    return object;
  } catch (cause) {
    throw new Error(`The stored value of ${kv.key} is no object`, { cause });
  }
}
