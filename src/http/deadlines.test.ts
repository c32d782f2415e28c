import { describe, expect, it } from "vitest";
import { DeadlineTable, scanInterval, type Watched } from "./deadlines.ts";
import { StillClock } from "./rig.suite.ts";

class Entry implements Watched {
  slot = -1;
  ticks = 0;
  onTick: () => void = () => undefined;

  tick(): void {
    this.ticks++;
    this.onTick();
  }
}

describe("DeadlineTable", () => {
  it("looks at every entry once per interval", () => {
    const clock = new StillClock();
    const table = new DeadlineTable<Entry>(clock);
    const entries = Array.from({ length: 100 }, () => new Entry());
    for (const entry of entries) table.add(entry);
    clock.advance(scanInterval * 3);
    expect(entries.map((entry) => entry.ticks)).toEqual(entries.map(() => 3));
  });

  it("looks at the others too when some leave during a look", () => {
    const clock = new StillClock();
    const table = new DeadlineTable<Entry>(clock);
    const entries = Array.from({ length: 10 }, () => new Entry());
    for (const [i, entry] of entries.entries()) {
      table.add(entry);
      if (i % 3 === 0) entry.onTick = () => table.remove(entry);
    }
    clock.advance(scanInterval);
    expect(entries.map((entry) => entry.ticks)).toEqual(entries.map(() => 1));
    clock.advance(scanInterval);
    expect(entries.map((entry) => entry.ticks)).toEqual(entries.map((_, i) => (i % 3 === 0 ? 1 : 2)));
  });

  it("stays dense under any order of entering and leaving", () => {
    const table = new DeadlineTable<Entry>(new StillClock());
    const inside = new Set<Entry>();
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let i = 0; i < 5000; i++) {
      if (random(3) > 0 || inside.size === 0) {
        const entry = new Entry();
        table.add(entry);
        inside.add(entry);
      } else {
        const leaving = [...inside][random(inside.size)] as Entry;
        table.remove(leaving);
        inside.delete(leaving);
      }
      expect(table.size).toBe(inside.size);
    }
    const rows = table.entries();
    expect(new Set(rows)).toEqual(inside);
    expect(rows.map((entry) => entry.slot)).toEqual(rows.map((_, i) => i));
  });

  it("runs one timer while there is anything to look at, and none otherwise", () => {
    const clock = new StillClock();
    const table = new DeadlineTable<Entry>(clock);
    expect(clock.ticking).toBe(0);
    for (let i = 0; i < 5; i++) {
      const entry = new Entry();
      table.add(entry);
      table.remove(entry);
      expect(clock.ticking).toBe(1);
    }
    clock.advance(scanInterval);
    expect(clock.ticking).toBe(0);
    table.add(new Entry());
    expect(clock.ticking).toBe(1);
    table.close();
    expect(clock.ticking).toBe(0);
  });

  it("survives removal from an empty table", () => {
    new DeadlineTable<Entry>(new StillClock()).remove(new Entry());
  });
});
