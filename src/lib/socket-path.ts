/** How long the path of a unix socket may be. unix(7). */

/** In bytes: `sun_path` holds 108 with the closing NUL on Linux. */
export const LONGEST_SOCKET_PATH = 107;
