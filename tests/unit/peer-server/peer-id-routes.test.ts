/** The id that PeerJS asks for over HTTP, and that nobody can list the others'. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { peerIdRoutes } from '../../../peer-server/peer-id-routes.ts';
import { isPeerId } from '../../../peer-server/peer-params.ts';

let server: Server;
let url: string;

beforeAll(async () => {
  server = express().use('/peerjs', peerIdRoutes()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test('GET /peerjs/id gives another good id each time', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${url}/peerjs/id?ts=1&version=1.5.5`)).text()));
  expect(ids.every(isPeerId)).toBe(true);
  expect(new Set(ids).size).toBe(20);
});

test('nobody is listed, and other keys lead nowhere', async () => {
  for (const path of ['/peerjs/peers', '/other/id', '/other/peers', '/peerjs', '/']) expect((await fetch(url + path)).status).toBe(404);
});
