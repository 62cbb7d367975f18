/** Volley's door for game builders' tests: their game on bad networks, in virtual time, and what players would have seen. */
export type { DrawnReport, Incident } from './testing/drawn-tally.ts';
export type { Spread } from './testing/histogram.ts';
export type { HitReport } from './testing/hit-tally.ts';
export { type Network, NETWORK_PROFILES, type NetworkProfile, type RecordedNetwork } from './testing/networks.ts';
export type { RecordedPacket } from './testing/recorded-path.ts';
export { simulate, type SimulateOptions } from './testing/simulate.ts';
export type { FeelReport, SeatReport, SimulationReport } from './testing/simulation-report.ts';
export type { Conditions } from './transport/conditions.ts';
