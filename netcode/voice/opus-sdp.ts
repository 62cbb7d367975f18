/**
 * What we say and take in the session descriptions of voice calls. Ours ask for little: mono speech at 24 kbit/s, repaired from the next
 * packet where one is lost, and next to nothing while nobody speaks. Theirs may hold one audio line and PeerJS's data channel; a stranger
 * who wants to send us films is refused before the browser has set up a decoder.
 */

/** Clear speech; Opus gains little above it for one mono voice. */
export const VOICE_BITRATE = 24_000;
/**
 * Of one packet. Headers are about 60 bytes, as much as 20 ms of such speech: at 40 ms a call costs a quarter less and half the packets,
 * for 20 ms more on the way.
 */
const PACKET_MS = 40;

const OPUS_PARAMETERS: Readonly<Record<string, string>> = {
  maxaveragebitrate: String(VOICE_BITRATE),
  stereo: '0',
  'sprop-stereo': '0',
  usedtx: '1',
  useinbandfec: '1',
};

/** `sdp` with Opus held to the above, in what it asks the other side to send. Without Opus: as it was. */
export function limitOpus(sdp: string): string {
  const payload = /^a=rtpmap:(\d{1,3}) opus\/48000/im.exec(sdp)?.[1];
  if (payload === undefined) return sdp;
  const lines = sdp.split('\r\n').filter((line) => !/^a=(max)?ptime:/i.test(line));
  const prefix = `a=fmtp:${payload} `;
  const own = lines.findIndex((line) => line.startsWith(prefix));
  const given = own < 0 ? [] : lines.splice(own, 1)[0]!.slice(prefix.length).split(';');
  const kept = given.filter((parameter) => parameter !== '' && OPUS_PARAMETERS[parameter.split('=')[0]!.trim()] === undefined);
  const wanted = Object.entries(OPUS_PARAMETERS).map(([name, value]) => `${name}=${value}`);
  const at = lines.findIndex((line) => line.toLowerCase().startsWith(`a=rtpmap:${payload} `));
  lines.splice(at + 1, 0, `${prefix}${[...kept, ...wanted].join(';')}`, `a=ptime:${PACKET_MS}`);
  return lines.join('\r\n');
}

/** Whether a description from outside is one of a voice call: exactly one audio line, at most one of data channels, nothing else. */
export function isVoiceSdp(sdp: string): boolean {
  let audio = 0;
  let application = 0;
  for (const [, kind] of sdp.matchAll(/^m=(\S+)/gm)) {
    if (kind === 'audio') audio += 1;
    else if (kind === 'application') application += 1;
    else return false;
  }
  return audio === 1 && application <= 1;
}
