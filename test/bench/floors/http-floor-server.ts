/** The server of http-floor.ts: prints its port, and ends with its standard input. */

import { createServer } from 'node:http';
import { openRawStore } from './raw-sqlite.ts';

const store = openRawStore();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const pod = JSON.parse(Buffer.concat(chunks).toString()) as { metadata: { name: string } };
    const body = Buffer.from(JSON.stringify(pod));
    store.put(pod.metadata.name, body).then(
      () => response.writeHead(201, { 'content-type': 'application/json' }).end(body),
      () => response.writeHead(500).end(),
    );
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => {
  server.close();
  server.closeAllConnections();
  store.close();
});
