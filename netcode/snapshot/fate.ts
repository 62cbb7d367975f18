/** What a packet says of an entity of its baseline. */

/** It is as it was. */
export const KEEP = 0;
/** It is another. */
export const CHANGE = 1;
/** It is no more, for this client. */
export const GONE = 2;
/** Bit set in a fate that found no room in the packet. */
export const LEFT_OUT = 4;
