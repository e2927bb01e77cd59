/** A wish that can't be met as it stands; the message says in one line what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Ctrl-C: exit code 130, as shells have it for SIGINT. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** A failure whose message says it all, causes included, in one line. */
export class WholeError extends Error {}
