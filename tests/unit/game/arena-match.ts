/** A match of the arena without any network, stepped by hand: what the tests of its rules stand on. */
import { NOBODY, type PlayerId, type Tick, type ViewOf } from '../../../netcode/index.ts';
import type { StepOptions } from '../../../netcode/world/simulation.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';
import { readFields, writeFields } from '../../../netcode/wire/schema.ts';
import { arena } from '../../../game/rules/arena.ts';
import type { ArenaSettings } from '../../../game/rules/settings.ts';
import type { BotInput } from '../../../game/rules/bot.ts';
import type { ArenaWorld, MatchResult, Ship } from '../../../game/rules/state.ts';
import { World } from '../../../netcode/world/world.ts';

export type ArenaView = ViewOf<typeof arena>;
export interface ArenaEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
type Control = Partial<BotInput> & { readonly trigger?: boolean };

export class ArenaMatch {
  readonly events: ArenaEvent[] = [];
  readonly simulation: Simulation;
  tick = 0;

  /** With teams, everybody's other neighbour is a mate: odd seats are in the first. */
  constructor(players: number, seed = 1, settings: Partial<ArenaSettings> = {}) {
    this.simulation = new Simulation(arena, seed, { ...arena.defaultSettings, ...settings });
    this.simulation.start();
    const joined = Array.from({ length: players }, (_, n) => (n + 1) as PlayerId);
    this.step(1, { joined, teams: joined.map((player) => (player + 1) % 2) });
  }

  /** The state, to look at and to change between steps. */
  get world(): ArenaWorld {
    return new World(arena, this.simulation.state) as unknown as ArenaWorld;
  }

  ship(player: number): Ship {
    for (const ship of this.world.all('ship')) if (ship.owner === player) return ship;
    throw new Error(`player ${player} has no ship`);
  }

  score(player: number): { kills: number; deaths: number } {
    for (const score of this.world.all('score')) if (score.owner === player) return { kills: score.kills, deaths: score.deaths };
    throw new Error(`player ${player} has no score`);
  }

  /** Puts a ship somewhere, alive and at rest. */
  place(player: number, x: number, y: number, angle = 0): Ship {
    const ship = this.ship(player);
    ship.pos = { x, y };
    ship.vel = { x: 0, y: 0 };
    ship.angle = angle;
    ship.life = 'alive';
    ship.readyAt = 0;
    return ship;
  }

  control(player: number, values: Control): void {
    const row = arena.input.initial.slice();
    writeFields(arena.input, row, 0, { ...values });
    this.simulation.inputs.set(player as PlayerId, row);
  }

  step(count = 1, options: Partial<StepOptions> = {}): void {
    for (let n = 0; n < count; n++) {
      this.tick++;
      this.simulation.step(this.tick as Tick, {
        isFirstTime: true,
        isAuthority: true,
        ...(n === 0 ? options : {}),
        onEvent: ({ type, row }) => {
          const { name, layout } = arena.eventTypes[type]!;
          this.events.push({ type: name, data: readFields(layout, row, 0) });
        },
      });
    }
  }

  result(): MatchResult | undefined {
    return this.simulation.result() as MatchResult | undefined;
  }

  /** All entities as a screen would get them. */
  view(me: PlayerId = NOBODY): ArenaView[] {
    const { tables } = this.simulation.state;
    return tables.flatMap((table) =>
      Array.from({ length: table.count }, (_, row) => {
        const owner = table.data[row * table.stride] as PlayerId;
        const fields = readFields(table.kind.layout, table.data, row * table.stride);
        return { id: table.ids[row], kind: table.kind.name, owner, isMine: owner === me, ...fields } as unknown as ArenaView;
      }),
    );
  }
}
