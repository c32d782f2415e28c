import { realTime, type SimulatorClock } from "../time.ts";

export type TaskState = "Running" | "Completed" | "Exception";

export interface Message {
  readonly id: string;
  readonly severity: "OK" | "Warning" | "Critical";
  readonly text: string;
}

/** One update under way, as its task and its monitor tell of it. */
export interface UpdateTask {
  readonly id: string;
  state: TaskState;
  status: "OK" | "Critical";
  readonly messages: Message[];
  /** Whether the monitor has told the end (DSP0266 §12.2: it may expire after that). */
  told: boolean;
}

/** The tasks that a service remembers. */
export class TaskTable {
  readonly #clock: SimulatorClock;
  readonly #tasks = new Map<string, UpdateTask>();
  readonly #cancel = new Set<() => void>();
  #next = 0;

  constructor(clock: SimulatorClock = realTime) {
    this.#clock = clock;
  }

  all(): readonly UpdateTask[] {
    return [...this.#tasks.values()];
  }

  find(id: string): UpdateTask | undefined {
    return this.#tasks.get(id);
  }

  /** Begins a task; `end` is run when its time has come, unless it never does. */
  begin(ms: number, end: (task: UpdateTask) => void): UpdateTask {
    const task: UpdateTask = { id: String(this.#next++), state: "Running", status: "OK", messages: [], told: false };
    this.#tasks.set(task.id, task);
    if (ms !== Number.POSITIVE_INFINITY) this.after(ms, () => end(task));
    return task;
  }

  /** Until the service stops. */
  after(ms: number, run: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#cancel.delete(cancel);
      run();
    });
    this.#cancel.add(cancel);
  }

  /** What a restart leaves of tasks in RAM. */
  forget(): void {
    this.#tasks.clear();
  }

  stop(): void {
    for (const cancel of this.#cancel) cancel();
    this.#cancel.clear();
  }
}
