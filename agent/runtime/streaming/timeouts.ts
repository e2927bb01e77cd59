/** How long the streaming server waits for its clients. Source: kubelet cri/streaming DefaultConfig. */

/** Without a byte in either direction. */
export const IDLE_TIMEOUT_MS = 4 * 60 * 60 * 1000;
/** From the upgrade to the last stream that the client has announced, or the second one of a pair. */
export const STREAM_CREATION_TIMEOUT_MS = 30_000;
