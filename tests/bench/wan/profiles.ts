/** The networks that the benches run over. All figures are one way, and both directions are alike but for `rateKbitFromA`. */
export interface WanProfile {
  readonly delayMs: number;
  /** Standard deviation of the delay. */
  readonly jitterMs: number;
  readonly lossPercent: number;
  /** Packets lost in a row, on average; 1: each is lost independently. */
  readonly burstPackets: number;
  /** Whether jitter lets packets overtake each other. */
  readonly isReordering: boolean;
  /** 0: no cap. */
  readonly rateKbit: number;
  /** Of what side a sends (a host behind a narrow uplink), if it is not `rateKbit`. */
  readonly rateKbitFromA?: number;
  /** What the queue before the cap holds; more is dropped. */
  readonly queueMs: number;
}

const CLEAN: WanProfile = { delayMs: 0, jitterMs: 0, lossPercent: 0, burstPackets: 1, isReordering: false, rateKbit: 0, queueMs: 300 };
const FAR: WanProfile = { ...CLEAN, delayMs: 50, jitterMs: 5 };

export const WAN_PROFILES = {
  lan: CLEAN,
  far: { ...CLEAN, delayMs: 50 },
  'loss-5': { ...FAR, lossPercent: 5 },
  'bursts-15': { ...FAR, lossPercent: 15, burstPackets: 2 },
  'reorder-100': { ...CLEAN, delayMs: 100, jitterMs: 30, lossPercent: 2, isReordering: true },
  'cap-300': { ...FAR, rateKbit: 300 },
  /** The outage itself is the bench's to call for. */
  outage: FAR,
  'uplink-1000': { ...FAR, rateKbitFromA: 1000 },
} as const satisfies Record<string, WanProfile>;

export type WanProfileName = keyof typeof WAN_PROFILES;
