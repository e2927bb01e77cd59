/**
 * How a remote command ended, and how a client is told. Pure.
 *
 * Source: kubernetes apimachinery pkg/util/remotecommand; kubelet cri/streaming/remotecommand.
 */

export type Outcome =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly message: string };

/** `text` before version 4 of the protocol, from there on a metav1.Status in JSON. */
export type OutcomeForm = 'text' | 'status';

/** What is sent on the error channel at the end; empty when there is nothing to say. */
export function outcomeMessage(outcome: Outcome, form: OutcomeForm): string {
  if (form === 'text') return plainOutcome(outcome);
  const metadata = {};
  if (outcome.kind === 'failed') {
    const { message } = outcome;
    return JSON.stringify({
      metadata,
      status: 'Failure',
      message,
      reason: 'InternalError',
      details: { causes: [{ message }] },
      code: 500,
    });
  }
  if (outcome.exitCode === 0) return JSON.stringify({ metadata, status: 'Success' });
  return JSON.stringify({
    metadata,
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${outcome.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] },
  });
}

function plainOutcome(outcome: Outcome): string {
  if (outcome.kind === 'failed') return outcome.message;
  return outcome.exitCode === 0 ? '' : `command terminated with exit code ${outcome.exitCode}`;
}
