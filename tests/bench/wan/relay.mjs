/**
 * The relay of a game that plays over WebSockets: whatever one client sends, all others get. Over HTTP it has an empty page. (One that the
 * browser's driver makes up would be of no address, and a browser asks its user before such a page may talk to a private one.)
 *
 * usage: relay.mjs HOST PORT       prints 'ready'
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const [host, port] = process.argv.slice(2);
const http = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'));
const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 65_536 });
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (bytes, isBinary) => {
    for (const other of server.clients) if (other !== socket && other.readyState === other.OPEN) other.send(bytes, { binary: isBinary });
  });
});
http.listen(Number(port), host, () => console.log('ready'));
