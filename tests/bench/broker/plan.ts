/** What is measured, and how much of it. */

export interface BrokerPlan {
  /** Connected and gone before anything counts: by then the engine has compiled the brokers' code. */
  readonly warmUpClients: number;
  /** Each broker in turn, so many times; every other time in the other order. */
  readonly rounds: number;
  /** Connected in one round. */
  readonly connects: number;
  /** Connections that wait for their OPEN at any moment. */
  readonly connectsAtOnce: number;
  readonly pairs: number;
  readonly joinsAtOnce: number;
  /** Of one round: joins as fast as they go, and then at a rate. */
  readonly floodSeconds: number;
  readonly paceSeconds: number;
  /** About a quarter of what one core does. */
  readonly joinsPerSecond: number;
  /** How often a fresh broker of each kind is filled. */
  readonly fills: number;
  readonly idleClients: number;
  /** More than the five between two heartbeats, so that every client has sent one. */
  readonly idleSeconds: number;
  readonly brokers: readonly number[];
  /** A machine that carries all brokers, Redis and the generator does less of these. */
  readonly clusterJoinsPerSecond: number;
}

export const PLANS: Readonly<Record<'full' | 'quick', BrokerPlan>> = {
  full: {
    warmUpClients: 1_000,
    rounds: 12,
    connects: 1_000,
    connectsAtOnce: 64,
    pairs: 256,
    joinsAtOnce: 64,
    floodSeconds: 1,
    paceSeconds: 1,
    joinsPerSecond: 1_500,
    fills: 2,
    idleClients: 10_000,
    idleSeconds: 6,
    brokers: [1, 2, 3],
    clusterJoinsPerSecond: 300,
  },
  quick: {
    warmUpClients: 500,
    rounds: 4,
    connects: 500,
    connectsAtOnce: 64,
    pairs: 256,
    joinsAtOnce: 64,
    floodSeconds: 0.5,
    paceSeconds: 0.5,
    joinsPerSecond: 1_500,
    fills: 1,
    idleClients: 10_000,
    idleSeconds: 6,
    brokers: [1, 2],
    clusterJoinsPerSecond: 300,
  },
};

/** Files that the fullest process has open besides its clients. */
export const FILES_BESIDES = 200;
