/** A wish that can't be met as it stands; the message says in one line what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
