/**
 * https without a proxy: reads certificate and key and checks that they belong together and can be used, so that a mistake is
 * seen when the broker starts and not by the first player.
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.ts';
import type { Given } from './config-options.ts';
import { readTextFile } from './config-values.ts';

/** Where the operator says they lie. */
export interface TlsFiles {
  readonly cert: Given;
  readonly key: Given;
}

/** PEM. The certificate may be followed by those that vouch for it. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

/** `unixMs`: the time of day. Throws ConfigError. */
export function readTls({ cert, key }: TlsFiles, unixMs: number): TlsMaterial {
  const material = { cert: readTextFile(cert), key: readTextFile(key) };
  const certificate = parseCertificate(cert, material.cert);
  try {
    createSecureContext(material);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? `${key.name} '${key.text}' is not the key of the certificate in '${cert.text}'`
        : `${key.name} '${key.text}' is not an unencrypted private key in PEM form that can serve '${cert.text}'`,
    );
  }
  if (Date.parse(certificate.validTo) <= unixMs)
    throw new ConfigError(`${cert.name} '${cert.text}' expired on ${certificate.validTo}; browsers refuse it. Renew it.`);
  return material;
}

function parseCertificate(cert: Given, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new ConfigError(`${cert.name} '${cert.text}' is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
  }
}
