/**
 * Run as a program inside a network namespace: listens on a Unix socket, and joins each connection
 * with a TCP port of that namespace's loopback. `node netns-proxy.ts SOCKET PORT`
 */

import net from 'node:net';

const [socket = '', port = ''] = process.argv.slice(2);

const server = net.createServer((client) => {
  const target = net.connect(Number(port), '127.0.0.1');
  client.on('error', () => target.destroy()).on('close', () => target.destroy());
  target.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.pipe(target).pipe(client);
});
server.listen(socket);
