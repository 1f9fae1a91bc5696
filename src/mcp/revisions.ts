/** The revisions of MCP, and what they differ in for whoever stands between client and server. MCP 2026-07-28, Versioning. */

export interface Revision {
  readonly version: string;
  /** A POST may hold several messages. */
  readonly batches: boolean;
  /** `initialize` opens a session, named by Mcp-Session-Id, with GET and DELETE beside POST. */
  readonly sessions: boolean;
}

/** Oldest first. 2024-11-05 has sessions too, but over HTTP with SSE: the path says which. */
export const REVISIONS: readonly Revision[] = [
  { version: '2024-11-05', batches: false, sessions: false },
  { version: '2025-03-26', batches: true, sessions: true },
  { version: '2025-06-18', batches: false, sessions: true },
  { version: '2025-11-25', batches: false, sessions: true },
  { version: '2026-07-28', batches: false, sessions: false },
];

/** What a request without MCP-Protocol-Version speaks: the last revision that did not know the header. */
const UNNAMED_VERSION = '2025-03-26';

const FIRST_MODERN_VERSION = '2026-07-28';

/**
 * Modern: a request says for itself what it speaks (`_meta`), its headers must mirror the body, and there is no session.
 * Versions that are not known are compared as text, as the SDKs do, so that the rules are those that a server applies.
 */
export function isModern(version: string): boolean {
  return version >= FIRST_MODERN_VERSION;
}

/** The revision that a version names, or the one that is meant by none; undefined for one that is not known. */
export function findRevision(version: string | undefined): Revision | undefined {
  return REVISIONS.find((revision) => revision.version === (version ?? UNNAMED_VERSION));
}
