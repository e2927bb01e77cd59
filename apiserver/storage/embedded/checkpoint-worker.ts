/**
 * One checkpoint in a thread of its own: copies the log into the database beside the writer, syncs it,
 * and posts how it went. checkpointer.ts starts it.
 */

import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** A writer that is just beginning anew in the log is waited for. */
const BUSY_TIMEOUT_MS = 1000;

const file: unknown = workerData;
if (typeof file !== 'string') throw new Error('The checkpoint has no file');
const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
const row = db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
db.close();
parentPort?.postMessage({ logPages: row?.log, copiedPages: row?.checkpointed });
