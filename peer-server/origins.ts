/**
 * Which web pages may use this server. A browser names the page that asks in the Origin header, which scripts cannot change:
 * our own page may, pages the operator listed may, and no other. Programs that are no browser send none, and could send
 * anything; what limits those is counted per address.
 */

/** Longest name (253), scheme and port; what is longer is no origin of a page. */
const ORIGIN_LENGTH_MAX = 270;

export interface OriginSettings {
  /** As `readOrigins` gives them; '*' means any. */
  readonly allowed: readonly string[];
  /** Where our own page is, if a proxy changes the Host header. */
  readonly publicOrigin?: string | undefined;
}

export interface Origins {
  /** `origin` and `host` as they stand in the request's headers. */
  isAllowed(origin: string | undefined, host: string | undefined): boolean;
}

export function origins({ allowed, publicOrigin }: OriginSettings): Origins {
  const listed = new Set(publicOrigin === undefined ? allowed : [...allowed, publicOrigin]);
  return {
    isAllowed: (origin, host) => origin === undefined || listed.has('*') || listed.has(origin) || isSameHost(origin, host),
  };
}

/** The scheme is left out: behind a proxy that ends TLS, this server knows only its own. */
function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || origin.length > ORIGIN_LENGTH_MAX || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  // A default port may be written or not.
  const asked = `${page.protocol}//${host}`;
  return URL.canParse(asked) && new URL(asked).host === page.host;
}
