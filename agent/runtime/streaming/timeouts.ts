/** How long the streaming server waits for its clients. Source: kubelet cri/streaming DefaultConfig. */

/** Without a byte in either direction. */
export const IDLE_TIMEOUT_MS = 4 * 60 * 60 * 1000;
/**
 * For the size of a client's terminal, before the program starts: kubectl sends it at once, and others
 * never do.
 */
export const FIRST_SIZE_TIMEOUT_MS = 1_000;
/** From the upgrade to the last stream that the client has announced, or the second one of a pair. */
export const STREAM_CREATION_TIMEOUT_MS = 30_000;
