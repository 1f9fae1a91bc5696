/** Schemes of URIs that browsers run, show or send by themselves, instead of handing them to an application. RFC 8252 §7.1. */

/** In lower case. */
export const BROWSER_SCHEMES: ReadonlySet<string> = new Set([
  'about',
  'blob',
  'data',
  'file',
  'filesystem',
  'ftp',
  'jar',
  'javascript',
  'mailto',
  'vbscript',
  'view-source',
  'ws',
  'wss',
]);
