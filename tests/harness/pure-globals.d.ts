/**
 * What the pure part of the netcode may use beyond the language itself: things that every JavaScript host has and that
 * neither tell the time nor draw luck nor touch a network. Used by tsconfig.pure.json only, which has no DOM and no Node types.
 */
declare const console: { error(...values: unknown[]): void; warn(...values: unknown[]): void };

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { readonly fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
