/** The command line cannot be meant as it stands. One sentence; nothing was sent. */
export class UsageError extends Error {
  override get name(): string {
    return "UsageError";
  }
}
