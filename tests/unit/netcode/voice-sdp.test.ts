/** Session descriptions of voice calls: what we ask for, and what we take. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isVoiceSdp, limitOpus } from '../../../netcode/voice/opus-sdp.ts';

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`;
/** As Chromium writes it, shortened. */
const OFFER = lines(
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 0',
  'a=mid:0',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=ptime:20',
  'a=maxptime:60',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
);

describe('what we ask for', () => {
  test('Opus gets our limits beside what the browser said of it; other codecs stay as they are', () => {
    expect(limitOpus(OFFER)).toBe(
      lines(
        'v=0',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 0',
        'a=mid:0',
        'a=rtpmap:111 opus/48000/2',
        'a=fmtp:111 minptime=10;maxaveragebitrate=24000;stereo=0;sprop-stereo=0;usedtx=1;useinbandfec=1',
        'a=ptime:40',
        'a=rtcp-fb:111 transport-cc',
        'a=rtpmap:63 red/48000/2',
        'a=fmtp:63 111/111',
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      ),
    );
  });

  test('a browser that says more of Opus than we allow is overruled', () => {
    const greedy = limitOpus(OFFER.replace('minptime=10;', 'maxaveragebitrate=510000;stereo=1;cbr=1;'));
    expect(greedy).toContain('a=fmtp:111 cbr=1;maxaveragebitrate=24000;stereo=0;');
    expect(greedy.match(/maxaveragebitrate/g)).toHaveLength(1);
  });

  test('Opus without parameters gets them; no Opus, no change; twice is as good as once', () => {
    expect(limitOpus(OFFER.replace(/a=fmtp:111.*\r\n/, ''))).toContain('a=fmtp:111 maxaveragebitrate=24000;');
    const without = OFFER.replace(/.*opus.*\r\n/, '');
    expect(limitOpus(without)).toBe(without);
    expect(limitOpus(limitOpus(OFFER))).toBe(limitOpus(OFFER));
  });
});

describe('what we take', () => {
  test.each([
    ['one audio line and data channels', OFFER, true],
    ['one audio line', lines('v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111'), true],
    ['a film', lines('v=0', 'm=audio 9 X 1', 'm=video 9 X 96'), false],
    ['two voices', lines('v=0', 'm=audio 9 X 1', 'm=audio 9 X 1'), false],
    ['two associations', lines('v=0', 'm=audio 9 X 1', 'm=application 9 X y', 'm=application 9 X y'), false],
    ['no voice', lines('v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'), false],
    ['nothing', '', false],
    ['a film behind bare line feeds', 'v=0\nm=audio 9 X 1\nm=video 9 X 96\n', false],
    ['a film behind bare carriage returns', 'v=0\rm=audio 9 X 1\rm=video 9 X 96\r', false],
    ['a film in capitals', lines('v=0', 'm=audio 9 X 1', 'm=VIDEO 9 X 96'), false],
  ])('%s', (_what, sdp, isTaken) => {
    expect(isVoiceSdp(sdp)).toBe(isTaken);
  });

  test('any text is judged without an error', () => {
    const part = fc.constantFrom('\r\n', '\n', 'm=', 'audio', 'video', ' ', 'a=rtpmap:1 opus/48000', 'a=fmtp:1 ', ';', '=', '0');
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 40 }), (parts) => {
        const sdp = parts.join('');
        expect(typeof isVoiceSdp(sdp)).toBe('boolean');
        expect(typeof limitOpus(sdp)).toBe('string');
      }),
    );
  });
});
