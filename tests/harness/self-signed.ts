/**
 * A certificate for 127.0.0.1 and localhost, signed by itself, made on the spot: one kept as a file would expire some day, or
 * be a private key in the repository.
 */
import { createHash, createSign, generateKeyPairSync } from 'node:crypto';

export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

const SHA256_WITH_ECDSA = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';

/** Good from a day before now until `endsAtUnixMs`. */
export function selfSigned(endsAtUnixMs: number, nowUnixMs = Date.now()): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(Buffer.from(SHA256_WITH_ECDSA, 'hex'));
  const name = sequence(der(0x31, sequence(Buffer.concat([Buffer.from(COMMON_NAME, 'hex'), der(0x0c, Buffer.from('volley.test'))]))));
  const names = sequence(Buffer.concat([der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))]));
  const extension = sequence(Buffer.concat([Buffer.from(SUBJECT_ALT_NAME, 'hex'), der(0x04, names)]));
  const serial = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 8);
  // A serial number is positive.
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const startsAtUnixMs = Math.min(nowUnixMs, endsAtUnixMs) - 86_400_000;
  const body = sequence(
    Buffer.concat([
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, serial),
      algorithm,
      name,
      sequence(Buffer.concat([time(startsAtUnixMs), time(endsAtUnixMs)])),
      name,
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extension)),
    ]),
  );
  const signature = createSign('sha256').update(body).sign(privateKey);
  const certificate = sequence(Buffer.concat([body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature]))]));
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function time(unixMs: number): Buffer {
  const digits = new Date(unixMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}

function sequence(content: Buffer): Buffer {
  return der(0x30, content);
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
