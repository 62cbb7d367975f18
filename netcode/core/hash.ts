/** FNV-1a (Fowler, Noll, Vo): 32 bits of a text that are the same on every engine. For telling things apart, not for secrets. */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** 32 bits, unsigned, over the UTF-16 units of a text. */
export function hashText(text: string): number {
  let h = OFFSET_BASIS;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME);
  return h >>> 0;
}
