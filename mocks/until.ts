import { setTimeout as pause } from "node:timers/promises";

/** Waits for what is bound to come, however loaded the machine is. Looks every `interval` ms; gives up after 20 seconds of them. */
export async function until(condition: () => unknown, interval = 5): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += interval) {
    if (condition()) return;
    await pause(interval);
  }
  throw new Error(`It never came to: ${condition}`);
}
