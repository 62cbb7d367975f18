/** What of the page belongs to a room rather than to one screen: who was who, the chat, voice and the countdown. */
import type { ArenaRoom } from '../frames.ts';
import { Chat } from './chat.ts';
import { Countdown } from './countdown.ts';
import { Roster } from './roster.ts';
import { VoicePanel } from './voice-panel.ts';

export class RoomParts {
  readonly room: ArenaRoom;
  readonly roster = new Roster();
  readonly chat: Chat;
  readonly countdown: Countdown;
  readonly voice: VoicePanel;

  constructor(room: ArenaRoom) {
    this.room = room;
    this.#learn();
    this.chat = new Chat(room, this.roster);
    this.countdown = new Countdown(room);
    this.voice = new VoicePanel(room);
  }

  update(): void {
    this.#learn();
    this.chat.update();
    this.countdown.update();
    this.voice.update();
  }

  stop(): void {
    this.chat.stop();
    this.countdown.stop();
    this.voice.stop();
  }

  #learn(): void {
    this.roster.learn(this.room.lobby.players, this.room.lobby.settings.mode === 'teams');
  }
}
