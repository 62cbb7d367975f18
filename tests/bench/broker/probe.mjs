/**
 * Runs inside a broker under test, ours and the stock one alike (`node --import`): answers its parent's questions about what the
 * process has used. Nothing of it works between the questions.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** A collection may leave something for the next: finalizers, and what the first one moved. */
const COLLECTIONS = 4;

/** @type {Session | undefined} */
let session;

/** Bytes that are in use, garbage left out. */
async function memory() {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc({ type: 'minor' });
    globalThis.gc();
    await new Promise((done) => setImmediate(done));
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external + arrayBuffers, rssBytes: rss };
}

function startProfile() {
  session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
}

async function endProfile(path) {
  const profile = await new Promise((done, fail) =>
    session.post('Profiler.stop', (error, result) => (error ? fail(error) : done(result.profile))),
  );
  session.disconnect();
  writeFileSync(path, JSON.stringify(profile));
}

async function answer({ ask, path }) {
  switch (ask) {
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system };
    }
    case 'memory':
      return memory();
    case 'profile':
      return startProfile();
    case 'profiled':
      return endProfile(path);
    default:
      throw new RangeError(`the probe knows no question '${ask}'`);
  }
}

process.on('message', (question) => {
  answer(question).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: String(error) }),
  );
});
