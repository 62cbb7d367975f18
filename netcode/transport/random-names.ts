/** Names that nobody can guess and no two share: 128 random bits. `crypto.randomUUID` is missing on pages that LAN guests open over http. */
const NAME_BYTES = 16;

export function randomHex(): string {
  return Array.from(randomBytes(), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Base64url, 22 characters. */
export function randomBase64(): string {
  return btoa(String.fromCharCode(...randomBytes()))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

function randomBytes(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NAME_BYTES));
}
