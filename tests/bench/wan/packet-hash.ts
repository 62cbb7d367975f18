/**
 * A packet's hash: 53 bits, so that no two packets of a bench share one by chance. Self-contained: its source goes into pages.
 * Two rounds of FNV-1a with different beginnings, of which the second gives 21 bits.
 */
export function packetHash(bytes: Uint8Array): number {
  let low = 0x811c9dc5;
  let high = 0x01234567;
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x01000193);
    high ^= low >>> 15;
  }
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
